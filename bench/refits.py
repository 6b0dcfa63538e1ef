"""scikit-learn's ``LogisticRegression`` refitted without each set: what a careful user would do without the library."""

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.special import expit
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from bench.sample import Sample, Totals
from leaveout.arrays import Array, BoolArray
from leaveout.removal import RemovalSet

Solver = Literal["newton-cholesky", "lbfgs"]
#: Tolerances: one that ends below the library's certificate, and one that is never met, so that lbfgs stops by itself.
TOLERANCE: dict[Solver, float] = {"newton-cholesky": 1e-12, "lbfgs": 1e-16}


@dataclass(frozen=True)
class Refits:
    """Refits without some sets: one number a set, and how far their effects are from the chain's.

    Attributes
    ----------
    seconds, gradient_norm : list of float
        Gradient norm in mean form.
    iterations : list of int
    difference : dict from evaluation function to float
        Largest relative difference of the effects from the chain's.
    """

    seconds: list[float]
    gradient_norm: list[float]
    iterations: list[int]
    difference: dict[str, float]


def refit(sample: Sample, sets: Sequence[RemovalSet], solver: Solver, iterations: int) -> Refits:
    """Refit without each of some sets from a cold start, as scikit-learn does it."""
    before = sample.totals(sample.theta)
    seconds, norms, counts = [], [], []
    found: dict[str, Totals] = {}
    for removal_set in sets:
        kept = sample.kept(removal_set)
        strength = 1 / (kept.sum() * sample.regularization)
        model = LogisticRegression(
            C=strength, solver=solver, fit_intercept=False, tol=TOLERANCE[solver], max_iter=iterations
        )
        begin = time.perf_counter()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the gradient norm tells
            model.fit(sample.X[kept], sample.y[kept])
        seconds.append(time.perf_counter() - begin)
        theta: Array = model.coef_[0]
        norms.append(gradient_norm(sample, kept, theta))
        counts.append(int(model.n_iter_[0]))
        after = sample.totals(theta)
        found[removal_set.set_id] = {name: after[name] - before[name] for name in after}
    return Refits(seconds, norms, counts, sample.difference(found, "retrain"))


def gradient_norm(sample: Sample, kept: BoolArray, theta: Array) -> float:
    """``||grad J_T(theta)||``, mean form."""
    X, y = sample.X[kept], sample.y[kept]
    return float(np.linalg.norm(X.T @ (expit(X @ theta) - y) / len(y) + sample.regularization * theta))
