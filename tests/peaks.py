"""Peaks of memory: a job's own script on made-up features, in a process of its own, as Snakemake runs it.

``python tests/peaks.py FOLDER RULE`` runs one; the tests call ``prepare`` and ``peak_mb``.
"""

import json
import os
import runpy
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from leaveout.embeddings import write_embeddings
from leaveout.evaluation import EVALUATIONS
from leaveout.memory import MB, Demand, Size, job_mb
from leaveout.plotted import PUBLISHED_STRATEGIES

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
#: Rules in an order in which each finds what it needs, but for the fit's two files.
RULES = (
    *("fit", "removal_sets", "effects", "influential", "suspects", "poisoning", "detection"),
    *("audit_sets", "audit_effects", "audit_convergence", "audit_predictions", "audit_theorem"),
)
STRATEGIES = ("random", "cluster_feature", "cluster_l2", "top_positive_test_loss", "high_loss")
SMALLEST, GROUPS, PLANTED, AUDIT_REPEATS = 0.1, (1, 5, 20), 10, 2


@dataclass(frozen=True)
class Shape:
    """A problem, and what its jobs do: ``largest`` in per cent, ``n_train`` of the n samples for training."""

    n: int
    test: int
    d: int
    intercept: str = "penalized"
    n_train: int | None = None
    regularization: float = 1e-3
    count: int = 10
    repeats: int = 1
    largest: float = 5
    poisons: int = 30
    retrained: int = 10

    @property
    def size(self) -> Size:
        """What a job knows of it."""
        return Size(min(self.n, self.n_train or self.n), self.test, self.d, self.n + self.test)

    def demand(self, rule: str) -> dict:
        """What a rule says that its job does."""
        listed = len(STRATEGIES) * self.repeats * self.count * (SMALLEST + self.largest) / 200
        sets = {"share": self.largest / 100, "listed": listed}
        audited = sets | {"listed": (1 + AUDIT_REPEATS) * listed}
        further = {
            "removal_sets": sets,
            **dict.fromkeys((rule for rule in RULES if rule.startswith("audit_")), audited),
            "effects": sets,
            "influential": {"largest": max(GROUPS)},
            "poisoning": {"further": min(128, self.poisons)},
            "detection": {"further": PLANTED},
        }
        return {"rule": rule, "intercept": self.intercept, **further.get(rule, {})}

    def estimate_mb(self, rule: str) -> float:
        """What its job is said to take."""
        return job_mb(self.size, Demand(**self.demand(rule)))


def prepare(shape: Shape, folder: Path) -> None:
    """Write features of this shape, and labels of a logistic model."""
    generator, total = np.random.default_rng(0), shape.n + shape.test
    X = generator.standard_normal((total, shape.d), dtype=np.float32)
    margin = X @ (2 * generator.standard_normal(shape.d) / shape.d**0.5)
    y = (margin + generator.logistic(size=total) > 0).astype(np.int64)
    y[:: max(1, total // 4)] ^= 1  # both labels, however few samples there are
    parts = np.array(["train"] * shape.n + ["test"] * shape.test)
    if total > 10:
        generator.shuffle(parts)
    write_embeddings(files(folder), X, y, [f"sample-{i}" for i in range(total)], parts.tolist(), {})
    (folder / "shape.json").write_text(json.dumps(asdict(shape)))


class Params(SimpleNamespace):
    """Snakemake's, as far as jobs use it; itself it would count as the job's memory."""

    def get(self, name: str, default: object) -> object:
        """A parameter that not all rules have."""
        return getattr(self, name, default)


def files(folder: Path) -> SimpleNamespace:
    """Inputs of all jobs."""
    names = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json", "model": "fit.npz"}
    names |= {"factor": "factor.npy", "sets": "removal_sets.parquet"}
    return SimpleNamespace(**{key: str(folder / name) for key, name in names.items()})


def peak_mb(folder: Path, rule: str) -> float:
    """Peak of the memory of one job, with one thread, as jobs have it."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    environment |= {"PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}
    command = [sys.executable, __file__, str(folder), rule]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stderr}\n{(folder / f'{rule}.log').read_text()}"
    return float(done.stdout.splitlines()[-1])


def job(folder: Path, rule: str) -> SimpleNamespace:
    """What Snakemake hands to a rule's script."""
    shape = Shape(**json.loads((folder / "shape.json").read_text()))
    model = {"regularization": shape.regularization, "regularizer": "per_sample", "intercept": shape.intercept}
    sizes = {"min": SMALLEST, "max": shape.largest, "count": shape.count}
    params = {
        "training": {"n_train": shape.n_train, "seed": 0, "dataset": "made_up"},
        "demand": shape.demand(rule),
        "model": model,
        "labels": {"study": "s", "dataset": "made_up", "variant": "base", **model},
        "evaluations": list(EVALUATIONS),
        "removal": {
            "strategies": list(STRATEGIES),
            "sizes": sizes,
            "repeats": shape.repeats,
            "drawn": {"strategies": list(STRATEGIES), "repeats": AUDIT_REPEATS},
            "published": PUBLISHED_STRATEGIES,
        },
        "shard": {"strategy": "random", **sizes, "first": 0, "last": None},
        "influential": {"samples": 10, "groups": list(GROUPS)},
        "retrained": shape.retrained,
        "samples": shape.poisons,
        "settings": {"planted": PLANTED, "retrained": shape.retrained},
        "iteration_limit": 1000,
        "stamp": "",
    }
    outputs = {"rows": f"{rule}.parquet", "samples": "listed.parquet", "groups": "groups.parquet"}
    outputs |= {"model": "fit.npz", "factor": "factor.npy", "sets": "removal_sets.parquet"}
    return SimpleNamespace(
        input=files(folder),
        output=SimpleNamespace(**{key: str(folder / name) for key, name in outputs.items()}),
        params=Params(**params),
        resources=SimpleNamespace(device="cpu", mem_mb=int(shape.estimate_mb(rule)) + 1),
        wildcards=SimpleNamespace(draw="0"),
        log=[str(folder / f"{rule}.log")],
        threads=1,
        rule=rule,
        scriptdir=str(SCRIPTS),
    )


def own_peak() -> float:
    """Peak of this process; not getrusage's, which is handed down from the process that started it."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / MB


if __name__ == "__main__":
    runpy.run_path(str(SCRIPTS / f"{sys.argv[2]}.py"), init_globals={"snakemake": job(Path(sys.argv[1]), sys.argv[2])})
    print(own_peak())  # noqa: T201
