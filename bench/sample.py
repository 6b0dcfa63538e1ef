"""What other programs are timed on: some of a chain's removal sets, and the chain's effects to compare theirs with.

The totals below are the published evaluation functions, computed plainly: effects are their differences.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from bench.cases import PLOTTED_STRATEGIES, Case
from bench.data import files_of
from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.effects import read
from leaveout.embeddings import read_embeddings
from leaveout.penalty import Penalty
from leaveout.removal import RemovalSet, read_removal_sets

#: The published evaluation functions: the points that each sums over.
PUBLISHED = {"test_prediction": "chosen", "test_loss": "chosen", "self_loss": "train", "total_test_loss": "test"}

Totals = Mapping[str, float]


@dataclass(frozen=True, eq=False)
class Sample:
    """A fitted problem, and some of its removal sets.

    Attributes
    ----------
    X, y : (n, p), (n,) float64 arrays
        Training samples, the constant column included.
    points : mapping from "train", "test" and "chosen" to pairs (X, y)
    regularization : float
    theta : (p,) float64 array
        The certified optimum.
    sets : list of RemovalSet
        One a strategy, their sizes spread evenly.
    effects : pandas.Series
        The chain's effects, by set_id, evaluation and method.
    """

    X: Array
    y: Array
    points: Mapping[str, tuple[Array, Array]]
    regularization: float
    theta: Array
    sets: list[RemovalSet]
    effects: "pd.Series[float]"

    def kept(self, removal_set: RemovalSet) -> BoolArray:
        """Which samples remain, (n,)."""
        mask = np.ones(len(self.y), dtype=np.bool_)
        mask[removal_set.positions] = False
        return mask

    def totals(self, theta: Array) -> dict[str, float]:
        """The published evaluation functions at some parameters; every sample's loss contains the regulariser."""
        found = {}
        for name, points in PUBLISHED.items():
            X, y = self.points[points]
            z = X @ theta
            ridge = len(y) * self.regularization / 2 * float(theta @ theta)
            total = expit(z).sum() if name == "test_prediction" else (np.logaddexp(0, z) - y * z).sum() + ridge
            found[name] = float(total)
        return found

    def difference(self, found: Mapping[str, Totals], method: str) -> dict[str, float]:
        """Largest relative difference of effects, by set_id, from the chain's, for each evaluation function.

        Relative to the chain's effect plus its median size over the sample, as two runs of the library are compared.
        """
        largest = {}
        for name in PUBLISHED:
            ours = np.array([self.effects[set_id, name, method] for set_id in found])
            theirs = np.array([effects[name] for effects in found.values()])
            largest[name] = float(np.max(np.abs(theirs - ours) / (np.abs(ours) + np.median(np.abs(ours)))))
        return largest


def read_sample(case: Case, folder: Path) -> Sample:
    """Read what a chain left in its folder."""
    embeddings = read_embeddings(files_of(folder))
    penalty = Penalty(case.regularization, "per_sample", case.intercept)
    X, y = penalty.design(embeddings.training.X), embeddings.training.y
    X_test, y_test = penalty.design(embeddings.test.X), embeddings.test.y
    with np.load(folder / "model.npz") as stored:
        theta: Array = stored["theta"]
        chosen: IntArray = stored["chosen"]
    points = {"train": (X, y), "test": (X_test, y_test), "chosen": (X_test[chosen], y_test[chosen])}
    rows = read(folder / "effects.parquet").to_pandas()
    effects = rows.set_index(["set_id", "evaluation", "method"])["effect"].sort_index()
    return Sample(X, y, points, case.regularization, theta, spread(folder), effects)


def spread(folder: Path) -> list[RemovalSet]:
    """One set of each strategy, of sizes that are spread evenly over those that were drawn."""
    chosen = []
    for i, strategy in enumerate(PLOTTED_STRATEGIES):
        drawn = read_removal_sets(folder / "removal_sets.parquet", strategy)
        chosen.append(drawn[int((i + 0.5) / len(PLOTTED_STRATEGIES) * len(drawn))])
    return chosen
