"""The paper's study at the paper's sizes, by the workflow itself, timed: ``make bench-paper``.

A copy of the checkout gets a configuration in which every data set is a table of features (`bench.standins`); these
are embedded first, which is not timed. Then Snakemake makes the whole study, from the embeddings to the last figure.
"""

import argparse
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from bench import machine, timeline
from bench.standins import StandIn, source, stand_in
from bench.timeline import Timeline
from leaveout import parquet
from leaveout.certificate import Status
from leaveout.config import Config, load
from leaveout.effects import RETRAIN

ROOT = Path(__file__).parents[1]
#: What a checkout needs to run.
COPIED = ("Snakefile", "config", "envs", "profiles", "workflow")
FILES = ("config/config.yaml", "config/datasets.yaml")
SCHEMA_FILE = "workflow/schemas/config.schema.yaml"
STUDY = "rif"
#: Seconds that the study may take, on how many cores.
TARGET, TARGET_CORES = 600, 2
#: How many times smaller a quick run's data are, and what is left of lists of strategies and of values.
SHRINK, LEFT = 10, 2
#: Results that have retrains: where they are, and what tells one retrained model of a run from another.
RETRAINED = {
    "effects": ("effects.parquet", ["set_id"]),
    "poisoning": ("*/*/poisoning.parquet", ["id"]),
    "detection": ("*/*/detection/*.parquet", ["draw", "id"]),
    "suspects": ("*/*/suspects.parquet", ["draw", "id"]),
    "influential groups": ("*/*/influential_groups.parquet", ["set_id"]),
}


@dataclass(frozen=True)
class Paper:
    """What was run, and how long it took.

    Attributes
    ----------
    datasets : sequence of StandIn
    runs : int
        Full models.
    timeline : Timeline
    retrains : dict from kind of result to (number, certified)
    cores : int
    rates : sequence of float
        The machine's rate of matrix products before and after, flops a second.
    quick : bool
    """

    datasets: Sequence[StandIn]
    runs: int
    timeline: Timeline
    retrains: Mapping[str, tuple[int, int]]
    cores: int
    rates: Sequence[float]
    quick: bool


def copy_checkout(folder: Path) -> None:
    """Copy what a run needs, and nothing that jobs or tools made."""
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", ".*"))
        else:
            shutil.copy2(ROOT / name, folder / name)


def configuration(folder: Path) -> Config:
    """The configuration of a checkout, checked and with defaults."""
    files = [folder / name for name in FILES]
    given = {key: value for file in files for key, value in yaml.safe_load(file.read_text(encoding="utf-8")).items()}
    return load(given, folder / SCHEMA_FILE, files)


def prepare(folder: Path, resources: Path, shrink: int) -> list[StandIn]:
    """Copy the checkout, write the features of all data sets, and the configuration that names them."""
    copy_checkout(folder)
    config = configuration(folder)
    names = dict.fromkeys(run.dataset for run in config.studies[STUDY].runs)
    found = [stand_in(name, config.datasets[name], resources, folder, shrink) for name in names]
    study = config.merged["studies"][STUDY]
    contents = (
        {"seed": config.seed, "studies": {STUDY: study if shrink == 1 else shrunk(study, shrink)}},
        {"sources": {name: source(name) for name in names}, "datasets": {each.name: each.entry for each in found}},
    )
    for name, content in zip(FILES, contents, strict=True):
        (folder / name).write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    return found


def shrunk(study: Mapping[str, Any], shrink: int) -> dict[str, Any]:
    """A study of few and small removal sets, the first values of each list, few poisons: a test of this benchmark."""
    removal, poisoning = study["removal"], study["poisoning"]
    return {
        **study,
        "vary": [{key: _few(value, shrink) for key, value in each.items()} for each in study["vary"]],
        "removal": {
            **removal,
            "strategies": removal["strategies"][:LEFT],
            "sizes": {**removal["sizes"], "count": LEFT},
        },
        "poisoning": {"dataset": poisoning["dataset"], "samples": LEFT, "planted": LEFT, "draws": 5, "retrained": LEFT},
        "bootstrap": 100,
    }


def _few(value: Any, shrink: int) -> Any:
    """The first values of a list, numbers of samples as many times smaller as the data are."""
    if not isinstance(value, list):
        return value
    return [each // shrink if isinstance(each, int) else each for each in value[:LEFT]]


def count_retrains(results: Path) -> dict[str, tuple[int, int]]:
    """Retrained models of each kind of result of a study, and how many of them are certified."""
    found: dict[str, tuple[int, int]] = {}
    for kind, (pattern, names) in RETRAINED.items():
        counted: Counter[bool] = Counter()
        for file in results.glob(pattern):
            rows = parquet.read(file, ["dataset", "variant", "method", "status", *names]).to_pandas()
            models = rows[rows["method"] == RETRAIN].drop_duplicates(["dataset", "variant", *names])
            counted.update((models["status"] == Status.CONVERGED.value).tolist())
        if counted:
            found[kind] = counted.total(), counted[True]
    return found


def measure(folder: Path, cores: int, *, quick: bool) -> Paper:
    """Prepare, embed, and time the study in a folder that is empty."""
    datasets = prepare(folder, ROOT / "resources", SHRINK if quick else 1)
    runs = len(configuration(folder).studies[STUDY].runs)
    timeline.run(folder, cores, *(f"resources/embeddings/{each.name}/X.npy" for each in datasets))
    size = 750 if quick else 3000
    rates = [machine.dgemm_rate(size)]
    taken = timeline.run(folder, cores, STUDY)
    rates.append(machine.dgemm_rate(size))
    return Paper(datasets, runs, taken, count_retrains(folder / "results" / STUDY), cores, rates, quick)


def page(found: Paper) -> str:
    """The page of a run in Markdown."""
    title = "# The whole paper, timed" + ", quick: a test of the benchmark itself" * found.quick
    return "\n\n".join([title, *_summary(found), *_datasets(found), *_rules(found), *_machine(found)]) + "\n"


def _summary(found: Paper) -> list[str]:
    seconds, total = found.timeline.seconds, sum(number for number, _ in found.retrains.values())
    certified = sum(number for _, number in found.retrains.values())
    kinds = ", ".join(f"{kind} {proved} of {number}" for kind, (number, proved) in found.retrains.items())
    judged = not found.quick and found.cores == TARGET_CORES
    verdict = f" The target is {TARGET} s: {'met' if seconds < TARGET else '**missed**'}." if judged else ""
    busy = found.timeline.processor_seconds / (found.cores * seconds)
    took = (
        f"The study `{STUDY}` from the embeddings to the last figure and table: **{seconds:.0f} s** on {found.cores} "
        f"cores.{verdict} {found.runs} full models, {len(found.timeline.jobs)} jobs; the cores were busy for "
        f"{busy:.0%} of the time."
    )
    return [took, f"Retrained models: {total}, of which {certified} are certified ({kinds})."]


def _datasets(found: Paper) -> list[str]:
    frame = pd.DataFrame(
        [
            (each.title, each.n_train, each.n_test, each.d, each.entry["regularization"], each.entry["intercept"])
            for each in found.datasets
        ],
        columns=["data set", "n", "test samples", "features", "lambda", "intercept"],
    )
    synthetic = sum(each.synthetic for each in found.datasets)
    note = (
        f"{synthetic} of {len(found.datasets)} data sets are synthetic: their embeddings were not at hand. They have "
        "the sizes, the regulariser and the intercept of the real ones, and made-up numbers: network-like features, or "
        "counts of words. What the study finds on them says nothing about the real ones. Embedding is not timed."
    )
    return ["## Data", str(frame.to_markdown(index=False, disable_numparse=True)), *[note] * bool(synthetic)]


def _rules(found: Paper) -> list[str]:
    rows = []
    for rule, jobs in found.timeline.by_rule.items():
        seconds = [job.seconds for job in jobs]
        rows.append((rule, len(jobs), f"{sum(seconds):.1f}", f"{np.median(seconds):.1f}", f"{max(seconds):.1f}"))
    frame = pd.DataFrame(rows, columns=["rule", "jobs", "seconds, all jobs", "median", "longest"])
    last = max((job.end for job in found.timeline.jobs if job.rule == "effects"), default=0.0)
    note = (
        "Jobs run side by side, so their seconds add up to more than the clock's. "
        f"The last removal set was measured after {last:.0f} s; what came later is tables and figures."
    )
    return ["## Where the time goes", str(frame.to_markdown(index=False, disable_numparse=True)), note]


def _machine(found: Paper) -> list[str]:
    rates = " and ".join(f"{rate / 1e9:.0f}" for rate in found.rates)
    measured = {"matrix product": f"{rates} GFLOP/s, before and after", "load average after": machine.load()}
    return ["## Machine", "\n".join(f"- {name}: {value}" for name, value in (machine.describe() | measured).items())]


def main(arguments: Sequence[str] | None = None) -> None:
    """Read the command line, run, write the page and print it."""
    parser = argparse.ArgumentParser(prog="bench.paper", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the sizes and few removal sets")
    parser.add_argument("--cores", type=int, default=TARGET_CORES)
    parser.add_argument("--folder", type=Path, help="where the study is run; an empty folder, which is kept")
    parser.add_argument("--output", type=Path, help="folder of the page: docs, or a quick run's own")
    options = parser.parse_args(arguments)
    output = options.output or ROOT / ("results/bench" if options.quick else "docs")
    with tempfile.TemporaryDirectory() as scratch:
        folder = options.folder or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        try:
            found = measure(folder, options.cores, quick=options.quick)
        except timeline.RunFailed as error:
            sys.exit(f"bench.paper: the study did not run to its end:\n{error}")
    output.mkdir(parents=True, exist_ok=True)
    (output / "paper.md").write_text(page(found), encoding="utf-8")
    print(page(found))


if __name__ == "__main__":
    main()
