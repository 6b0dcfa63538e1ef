"""Measure the library beside its targets: ``make bench``, or ``python -m bench --quick``."""

import argparse
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from bench import cases, chain, constants, data, machine, published, refits, report, sample, scaling
from bench.cases import Case
from bench.chain import Chain
from bench.results import Published, Repeated, Results
from leaveout.figures.style import write_figure

SECTIONS = ("chain", "profile", "published", "refits", "constants", "wide", "large", "scaling")
#: Iterations that refits may take, and how many sets lbfgs, which takes long, is shown.
NEWTON_ITERATIONS, LBFGS_ITERATIONS, LBFGS_SETS = 100, 1500, 1
RATE_SIZE = 3000


class Bench:
    """One run: what it measures goes to ``results``, the features that it makes to a folder that is deleted."""

    def __init__(self, options: argparse.Namespace, folder: Path) -> None:
        self.options, self.folder, self.results = options, folder, Results(judged=not options.quick)
        self.rate_size = RATE_SIZE // 4 if options.quick else RATE_SIZE
        self.main = self.sized(cases.MAIN)
        self.main_folder = folder / self.main.folder
        if options.data:
            self.main_folder = _linked(options.data, folder)
            settings = {"regularization": options.regularization, "intercept": options.intercept}
            self.main = replace(self.main, name="data", **settings)

    def sized(self, case: Case) -> Case:
        """Return a case as the command line wants it."""
        shrunk = cases.quick(case) if self.options.quick else case
        return replace(shrunk, repeats=self.options.repeats or shrunk.repeats)

    def chain(self, case: Case, folder: Path, *flags: str) -> Chain:
        """Run one chain between two measurements of the machine's rate."""
        self.results.rates.append(machine.dgemm_rate(self.rate_size))
        found = chain.run(case, folder, *flags)
        self.results.rates.append(machine.dgemm_rate(self.rate_size))
        self.results.loads.append(machine.load())
        return found

    def repeated(self, case: Case) -> Repeated:
        """Make a case's features, and run its chain as often as it says."""
        folder = data.write(case, self.folder)
        return Repeated(case, [self.chain(case, folder) for _ in range(case.repeats)])

    def run_chain(self) -> None:
        """Measure the main problem."""
        if self.main_folder.exists():
            chains = [self.chain(self.main, self.main_folder) for _ in range(self.main.repeats)]
            self.results.main = Repeated(self.main, chains)
        else:
            self.results.main = self.repeated(self.main)

    def run_profile(self) -> None:
        """Ask what the time is made of, and how many passes each retrain takes."""
        self.results.profiled = self.chain(self.main, self.main_folder, "--profile", "--passes")

    def run_published(self) -> None:
        """Time the published procedure on some sets."""
        problem = sample.read_sample(self.main, self.main_folder)
        prepared = published.prepare(problem)
        measured = {s.set_id: published.measure(problem, prepared, s) for s in problem.sets}
        seconds = {part: [found.seconds[part] for found in measured.values()] for part in published.PARTS}
        difference = {
            method: problem.difference({name: found.effects[method] for name, found in measured.items()}, method)
            for method in ("if", "rif", "newton", "retrain")
        }
        self.results.published = Published(prepared.seconds, seconds, difference)

    def run_refits(self) -> None:
        """Time scikit-learn on some sets."""
        problem = sample.read_sample(self.main, self.main_folder)
        self.results.newton_cholesky = refits.refit(problem, problem.sets, "newton-cholesky", NEWTON_ITERATIONS)
        few = problem.sets[len(problem.sets) // 2 :][:LBFGS_SETS]
        self.results.lbfgs = refits.refit(problem, few, "lbfgs", LBFGS_ITERATIONS)

    def run_constants(self) -> None:
        """Time the constants of Theorem 3.1."""
        self.results.constants = constants.run(self.main, self.main_folder)
        self.results.rates.append(machine.dgemm_rate(self.rate_size))

    def run_wide(self) -> None:
        """Measure problems with fewer samples than features."""
        self.results.wide = [self.repeated(self.sized(case)) for case in cases.WIDE]

    def run_large(self) -> None:
        """Measure the problem with most samples."""
        self.results.large = self.repeated(self.sized(cases.LARGE))

    def run_scaling(self) -> None:
        """Measure how costs grow."""
        doublings = 1 if self.options.quick else scaling.DOUBLINGS
        self.results.scaling = scaling.measure(self.sized(cases.SCALED), self.folder, doublings)
        self.results.rates.append(machine.dgemm_rate(self.rate_size))


def _linked(source: Path, folder: Path) -> Path:
    """Return a folder with links to a data folder's files: what a chain leaves there does not land among them."""
    target = folder / "data"
    target.mkdir()
    for name in ("X.npy", "samples.parquet", "about.json"):
        (target / name).symlink_to((source / name).resolve())
    return target


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="small sizes, less than a minute; judges nothing")
    parser.add_argument("--data", type=Path, help="folder with X.npy and samples.parquet for the main problem")
    parser.add_argument("--regularization", type=float, default=1e-5, help="of the problem in --data")
    parser.add_argument("--intercept", choices=("none", "penalized"), default="penalized", help="the same")
    parser.add_argument("--only", default=",".join(SECTIONS), help="some of " + ",".join(SECTIONS))
    parser.add_argument("--repeats", type=int, help="how often each chain is run; medians are reported")
    parser.add_argument("--output", type=Path, help="folder of the page and the figure: docs, or a quick run's own")
    options = parser.parse_args()
    options.only = options.only.split(",")
    if unknown := set(options.only) - set(SECTIONS):
        parser.error(f"--only: {', '.join(sorted(unknown))}: allowed is some of {', '.join(SECTIONS)}")
    return options


def main() -> None:
    """Run the sections that were asked for, print the page, write it and the figure."""
    options = _options()
    needed = set(options.only) | (
        {"chain"} if {"profile", "published", "refits", "constants"} & set(options.only) else set()
    )
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(options, Path(folder))
        for section in SECTIONS:
            if section in needed:
                begin = time.perf_counter()
                getattr(bench, f"run_{section}")()
                print(f"bench: {section}, {time.perf_counter() - begin:.0f} s", file=sys.stderr, flush=True)
    title = "Benchmark" + ", quick: a test of the benchmark itself" * options.quick
    output = options.output or Path("results/bench" if options.quick else "docs")
    output.mkdir(parents=True, exist_ok=True)
    page = report.page(bench.results, title)
    (output / "benchmark.md").write_text(page, encoding="utf-8")
    if bench.results.scaling:
        for name in ("scaling.svg", "scaling.png"):
            write_figure(scaling.figure(bench.results.scaling), output / name)
    print(page)


if __name__ == "__main__":
    main()
