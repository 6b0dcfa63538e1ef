"""One chain in a process of its own, so that its peak memory is its own: ``python -m bench.chain FOLDER`` prints JSON.

It does what the workflow's jobs ``fit``, ``removal_sets`` and ``effects`` do, on features that are read from the
workflow's files, and leaves ``model.npz``, ``removal_sets.parquet`` and ``effects.parquet`` beside them.
"""

import argparse
import cProfile
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd  # noqa: F401 - reading loads it: part of the bare process

import leaveout
from bench import profiling
from bench.cases import EVALUATION_NAMES, LARGEST, PLOTTED_STRATEGIES, SEED, SMALLEST, Case
from bench.data import files_of
from bench.machine import peak_memory
from leaveout import effects
from leaveout.arrays import Array
from leaveout.certificate import Status
from leaveout.embeddings import Embeddings, Samples, read_embeddings
from leaveout.evaluation import Evaluations, bind
from leaveout.measurement import measure
from leaveout.model import Model
from leaveout.removal import RANKED_BY, RemovalSet, candidates, draw, sizes, write_removal_sets
from leaveout.retraining import Retraining

DATASET = "bench"
ROOT = Path(__file__).parents[1]


@dataclass(frozen=True)
class Chain:
    """What one run of the chain took, and what came out.

    Attributes
    ----------
    n, parameters, test : int
        Training samples, parameters p, test points.
    set_sizes : list of int
        Size of every removal set.
    certified : int
        Sets whose retrain is certified.
    seconds : dict
        ``read``, ``fit``, ``draw`` (the removal sets), ``measure`` (IF, RIF, NS, retrains, all effects), ``write``.
    memory : dict
        Largest resident bytes ``before`` the data were read, and in the end (``peak``).
    data : dict
        What the data are like: accuracies, leverages, iterations of the fit.
    passes, inner : dict
        Passes over X of every certified retrain, a list a strategy, and what its directions took besides, in passes by
        operations; empty unless asked for.
    parts, functions : dict
        Seconds by part of the library and by function; empty unless profiled.
    """

    n: int
    parameters: int
    test: int
    set_sizes: list[int]
    certified: int
    seconds: dict[str, float]
    memory: dict[str, int]
    data: dict[str, float]
    passes: dict[str, list[float]] = field(default_factory=dict)
    inner: dict[str, list[float]] = field(default_factory=dict)
    parts: dict[str, float] = field(default_factory=dict)
    functions: dict[str, float] = field(default_factory=dict)

    @property
    def total(self) -> float:
        """Seconds of fit and measurement: what the targets are about."""
        return self.seconds["fit"] + self.seconds["measure"]

    @property
    def copies(self) -> float:
        """Peak memory above that of the bare process, less one square factor, in copies of X in float64."""
        q = min(self.n, self.parameters)
        return (self.memory["peak"] - self.memory["before"] - 8 * q**2) / (8 * self.n * self.parameters)


def run(case: Case, folder: Path, *flags: str) -> Chain:
    """Run the chain of a case, whose files are in ``folder``, in a fresh process; ``flags`` as on its command line."""
    return Chain(**printed("bench.chain", case, folder, f"--set-sizes={case.set_sizes}", *flags))


def printed(module: str, case: Case, folder: Path, *flags: str) -> dict[str, Any]:
    """What a module prints of a case, JSON, in a fresh process."""
    settings = [f"--regularization={case.regularization}", f"--intercept={case.intercept}"]
    command = [sys.executable, "-m", module, str(folder), *settings, *flags]
    path = os.pathsep.join([str(ROOT), str(Path(leaveout.__file__).parents[1])])
    environment = os.environ | {"PYTHONPATH": path}
    finished = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)  # noqa: S603
    found: dict[str, Any] = json.loads(finished.stdout)
    return found


def measured(folder: Path, options: argparse.Namespace) -> Chain:
    """Fit, draw, measure; look at passes and leverages only when time and memory have been taken."""
    seconds: dict[str, float] = {}
    memory = {"before": peak_memory()}
    profile = cProfile.Profile()
    with _timed(seconds, "read"):
        embeddings = read_embeddings(files_of(folder))
    training, test = embeddings.training, embeddings.test
    with _timed(seconds, "fit", profile if options.profile else None):
        model = leaveout.fit(training.X, training.y, options.regularization, "per_sample", options.intercept)
    with _timed(seconds, "draw"):
        sets = _drawn(model, embeddings, options.set_sizes)
    del training, embeddings  # as the workflow's job: the model has its own features
    with _timed(seconds, "measure", profile if options.profile else None):
        evaluations = bind(EVALUATION_NAMES, model, test.X, test.y, SEED, DATASET)
        rows = list(measure(model, evaluations, sets, _labels(model)))
    with _timed(seconds, "write"):
        _write(folder, model, evaluations, sets, rows, test)
    memory["peak"] = peak_memory()
    again = leaveout.retrain(model, [removal_set.positions for removal_set in sets]) if options.passes else None
    certified = {row["set_id"] for row in rows if row.get("status") == Status.CONVERGED.value}
    return Chain(
        n=model.n,
        parameters=len(model.theta),
        test=len(test.y),
        set_sizes=[len(removal_set.positions) for removal_set in sets],
        certified=len(certified),
        seconds=seconds,
        memory=memory,
        data=_diagnostics(model, test),
        passes=_by_strategy(sets, again, again.passes) if again else {},
        inner=_by_strategy(sets, again, again.inner_passes) if again else {},
        parts=profiling.parts(profile) if options.profile else {},
        functions=profiling.functions(profile) if options.profile else {},
    )


@contextmanager
def _timed(seconds: dict[str, float], name: str, profile: cProfile.Profile | None = None) -> Iterator[None]:
    begin = time.perf_counter()
    if profile:
        profile.enable()
    yield
    if profile:
        profile.disable()
    seconds[name] = time.perf_counter() - begin


def _drawn(model: Model, embeddings: Embeddings, count: int) -> list[RemovalSet]:
    test = embeddings.test
    ranked = bind(RANKED_BY, model, test.X, test.y, SEED, DATASET)
    given = candidates(model, ranked, embeddings.training.X)
    return list(draw(given, PLOTTED_STRATEGIES, sizes(model.n, SMALLEST, LARGEST, count), 1, SEED, DATASET))


def _labels(model: Model) -> dict[str, Any]:
    """Columns that all rows share."""
    return {
        "study": "bench",
        "dataset": DATASET,
        "variant": "base",
        "regularization": model.penalty.regularization,
        "regularizer": model.penalty.regularizer,
        "intercept": model.penalty.intercept,
        "n_train": model.n,
    }


def _write(
    folder: Path,
    model: Model,
    evaluations: Evaluations,
    sets: list[RemovalSet],
    rows: list[dict[str, Any]],
    test: Samples,
) -> None:
    chosen = next(f.rows for f in evaluations.functions if f.definition.points == "chosen")
    np.savez(folder / "model.npz", theta=model.theta, chosen=np.arange(len(test.y))[chosen])
    ids = np.array([str(i) for i in range(model.n)], dtype=object)
    write_removal_sets(sets, ids, folder / "removal_sets.parquet")
    effects.write(effects.table(rows), folder / "effects.parquet")


def _diagnostics(model: Model, test: Samples) -> dict[str, float]:
    return {
        "training accuracy": float(np.mean((model.z > 0) == (model.y > 0))),
        "test accuracy": model.accuracy(test.X, test.y),
        "largest leverage": float(model.leverage.max()),
        "sum of leverages / p": float(model.leverage.sum()) / len(model.theta),
        "iterations of the fit": float(model.iterations),
        "gradient norm": model.gradient_norm,
    }


def _by_strategy(sets: list[RemovalSet], retrained: Retraining, values: Array) -> dict[str, list[float]]:
    """Something of the certified retrains, by strategy."""
    found: dict[str, list[float]] = {}
    for removal_set, value, certified in zip(sets, values, retrained.certified, strict=True):
        if certified:
            found.setdefault(removal_set.strategy, []).append(float(value))
    return found


def asked(module: str, *switches: str) -> tuple[Path, argparse.Namespace]:
    """The folder of a case and the settings that a command line gives; ``switches`` are on or off."""
    parser = argparse.ArgumentParser(prog=module)
    parser.add_argument("folder", type=Path, help="X.npy, samples.parquet, about.json")
    parser.add_argument("--regularization", type=float, default=1e-5)
    parser.add_argument("--intercept", choices=("none", "penalized", "unpenalized"), default="penalized")
    parser.add_argument("--set-sizes", type=int, default=40, help="how many sizes of removal sets")
    for switch in switches:
        parser.add_argument(switch, action="store_true")
    options = parser.parse_args()
    return options.folder, options


if __name__ == "__main__":
    # retrain once more and count passes over X; say what the time is made of, which slows it down a little
    print(json.dumps(asdict(measured(*asked("bench.chain", "--passes", "--profile")))))
