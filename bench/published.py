r"""A plain version of the published procedure, written from its description, to be timed.

What it follows: the full model by L-BFGS-B from zero (relative decrease 1e-6, gradient 1e-5, 500 iterations), whatever
its verdict; IF with each sample's share of the regulariser; RIF as IF divided by ``1 - leverage``; the Newton step
without that share by Woodbury's identity for ``k <= p``, with it by a dense solve otherwise; each retrain by L-BFGS-B
from the Newton step, 50 iterations; effects by subtracting totals; and a dense Hessian, built anew, wherever the
leading-order term of ``self_loss`` needs it: once a set and method. It evaluates four functions, the chain six.

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", 2025, and the code published with it.
"""

import time
from dataclasses import dataclass

import numpy as np
import scipy.linalg
from scipy.optimize import minimize
from scipy.special import expit

from bench.sample import PUBLISHED, Sample
from leaveout.arrays import Array, IntArray
from leaveout.removal import RemovalSet

RELATIVE_DECREASE, GRADIENT = 1e-6, 1e-5
FULL_ITERATIONS, RETRAIN_ITERATIONS = 500, 50
PARTS = ("newton step", "retrain", "effects")


@dataclass(frozen=True, eq=False)
class Prepared:
    """What the sets share.

    Attributes
    ----------
    theta : (p,) float64 array
    hessian : (p, p) float64 array
        Sum form.
    factor : (p, p) float64 array
        Its lower Cholesky factor.
    influence, rescaled : (n, p) float64 arrays
        Changes of the parameters by IF and RIF, a row a sample.
    seconds : float
    """

    theta: Array
    hessian: Array
    factor: Array
    influence: Array
    rescaled: Array
    seconds: float


@dataclass(frozen=True)
class Measured:
    """One set: its effects and leading-order terms by method, and seconds by part."""

    effects: dict[str, dict[str, float]]
    linear: dict[str, dict[str, float]]
    seconds: dict[str, float]


def prepare(sample: Sample) -> Prepared:
    """Fit the full model, and compute every sample's IF and RIF."""
    begin = time.perf_counter()
    theta = fit(sample.X, sample.y, sample.regularization, np.zeros(sample.X.shape[1]), FULL_ITERATIONS)
    H = hessian(sample, theta)
    L = scipy.linalg.cholesky(H, lower=True)
    p = expit(sample.X @ theta)
    gradients = (p - sample.y)[:, None] * sample.X + sample.regularization * theta
    influence = scipy.linalg.cho_solve((L, True), gradients.T).T
    leverage = p * (1 - p) * np.einsum("ij,ji->i", sample.X, scipy.linalg.cho_solve((L, True), sample.X.T))
    return Prepared(theta, H, L, influence, influence / (1 - leverage)[:, None], time.perf_counter() - begin)


def fit(X: Array, y: Array, regularization: float, start: Array, iterations: int) -> Array:
    """Minimise the mean loss and ``lambda / 2 ||theta||^2`` as far as the published tolerances go."""

    def objective(theta: Array) -> tuple[float, Array]:
        z = X @ theta
        value = np.mean(np.logaddexp(0, z) - y * z) + regularization / 2 * (theta @ theta)
        return float(value), X.T @ (expit(z) - y) / len(y) + regularization * theta

    return minimize(
        objective,
        start,
        jac=True,
        method="L-BFGS-B",
        options={"ftol": RELATIVE_DECREASE, "gtol": GRADIENT, "maxiter": iterations, "maxfun": iterations},
    ).x


def hessian(sample: Sample, theta: Array) -> Array:
    """``X' A X + n lambda I``, dense, by a general product."""
    p = expit(sample.X @ theta)
    ridge = len(sample.y) * sample.regularization * np.eye(len(theta))
    return sample.X.T @ ((p * (1 - p))[:, None] * sample.X) + ridge


def newton_step(sample: Sample, prepared: Prepared, T: IntArray) -> Array:
    """Change of the parameters by one Newton step without the samples of T."""
    X, theta = sample.X[T], prepared.theta
    p = expit(X @ theta)
    gradient, a = X.T @ (p - sample.y[T]), p * (1 - p)
    if len(T) > len(theta):
        share = len(T) * sample.regularization
        remaining = prepared.hessian - X.T @ (a[:, None] * X) - share * np.eye(len(theta))
        return scipy.linalg.solve(remaining, gradient + share * theta, assume_a="pos")
    update = (np.sqrt(a)[:, None] * X).T
    solved = scipy.linalg.cho_solve((prepared.factor, True), np.column_stack([update, gradient]))
    HU, Hg = solved[:, :-1], solved[:, -1]
    return Hg + HU @ scipy.linalg.solve(np.eye(len(T)) - update.T @ HU, update.T @ Hg)


def measure(sample: Sample, prepared: Prepared, removal_set: RemovalSet) -> Measured:
    """Predict and retrain one set, and evaluate everything."""
    T, kept = removal_set.positions, sample.kept(removal_set)
    clock = [time.perf_counter()]
    newton = newton_step(sample, prepared, T)
    clock.append(time.perf_counter())
    start = prepared.theta + newton
    retrained = fit(sample.X[kept], sample.y[kept], sample.regularization, start, RETRAIN_ITERATIONS)
    clock.append(time.perf_counter())
    changes = {
        "if": prepared.influence[T].sum(axis=0),
        "rif": prepared.rescaled[T].sum(axis=0),
        "newton": newton,
        "retrain": retrained - prepared.theta,
    }
    before = sample.totals(prepared.theta)
    after = {method: sample.totals(prepared.theta + change) for method, change in changes.items()}
    effects = {method: {f: totals[f] - before[f] for f in PUBLISHED} for method, totals in after.items()}
    linear = {method: linear_effects(sample, prepared.theta, change) for method, change in changes.items()}
    clock.append(time.perf_counter())
    return Measured(effects, linear, dict(zip(PARTS, np.diff(clock).tolist(), strict=True)))


def linear_effects(sample: Sample, theta: Array, change: Array) -> dict[str, float]:
    """``<grad f, change>``, or ``change' H change / 2`` for ``self_loss``, with H built for this call."""
    found = {"self_loss": float(change @ hessian(sample, theta) @ change) / 2}
    for name, (X, y) in ((name, sample.points[points]) for name, points in PUBLISHED.items() if name not in found):
        p = expit(X @ theta)
        slopes = p * (1 - p) if name == "test_prediction" else p - y
        ridge = 0.0 if name == "test_prediction" else len(y) * sample.regularization * (theta @ change)
        found[name] = float(slopes @ (X @ change) + ridge)
    return found
