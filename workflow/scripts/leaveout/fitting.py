"""Fit the full model: Newton's method, whose last steps reuse their factor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from leaveout import lbfgs, loss
from leaveout.arrays import Array, BoolArray, IntArray
from leaveout.certificate import CERTIFIED, Status
from leaveout.coordinates import row_space
from leaveout.errors import InvalidData, NoOptimum, NotConverged
from leaveout.expansion import hessian
from leaveout.linear_algebra import beside, cholesky, cholesky_solve, dots, is_tensor, namespace, on_host
from leaveout.model import Model
from leaveout.penalty import Intercept, Penalty, Regularizer

#: Largest min(n, d) that the dense engine factors.
DENSE_LIMIT = 20_000
#: Share of the objective's whole decrease that a foreign fit may still be above the optimum.
FAR_FROM_OPTIMUM = 0.05
#: Largest absolute feature: fourth powers of it must not overflow.
LARGEST_FEATURE = 1e70
#: Rounding of the gradient, mean form, from which a small gradient is an accident.
MEANINGLESS = 1.0
#: Most factors, and most iterations with one of them: a factor costs about as much as that many sweeps of one vector.
FACTOR_LIMIT, ITERATIONS_A_FACTOR = 100, 20

SINGULAR = (
    "the Hessian is singular, the optimum is not unique: the features' columns are linearly dependent and not "
    "regularised, or so large that the regulariser vanishes beside them (drop columns, scale, regularise)"
)
UNPROVED = (
    "regularization = 0 and the gradient vanishes without an optimum near by: the classes are separable, at least in "
    "part, the columns linearly dependent, or so unequal that rounding hides it (regularise, or scale)"
)


def fit(
    X: npt.ArrayLike,
    y: npt.ArrayLike,
    regularization: float = 1e-5,
    regularizer: Regularizer = "per_sample",
    intercept: Intercept = "none",
    start: npt.ArrayLike | None = None,
) -> Model:
    r"""Fit ``theta_hat = argmin (1/n) sum_i l_i(theta) + (lambda/2) theta' P theta`` to its certified optimum.

    Newton's method with exact Hessians in float64, to a gradient norm of 1e-13 in mean form or as far as rounding
    allows: what is left enters every effect. With fewer samples than features the n-dimensional problem is solved
    instead.

    Parameters
    ----------
    X : (n, d) array of finite numbers
        Features, without a constant column. A torch tensor has all that follows computed by torch, on its device.
    y : (n,) array in {0, 1}
        Labels.
    regularization : float
        lambda >= 0, in mean form: scikit-learn's ``C`` is ``1 / (n lambda)``.
    regularizer : {"per_sample", "fixed"}
        Whether a removed sample takes its share of the regulariser along. Irrelevant to the fit, obeyed by all that
        follows.
    intercept : {"none", "penalized", "unpenalized"}
        Whether to append a constant column, and whether its weight is regularised.
    start : (p,) array, optional
        Where to begin; the optimum does not depend on it.

    Returns
    -------
    Model
        With ``theta`` (p,), p = d or d + 1, and ``certificate``.

    Raises
    ------
    InvalidData
        Features or labels that cannot be used.
    NoOptimum
        No minimiser exists (separable data without regularisation, one class with an unpenalised intercept), or no
        unique one.
    NotConverged
        The optimum could not be certified.
    """
    penalty = Penalty(float(regularization), regularizer, intercept)
    features, labels = _checked(X, y)
    if intercept == "unpenalized" and bool((labels == labels[0]).all()):
        raise NoOptimum("all labels are equal and the intercept is not regularised: it grows for ever (penalise it)")
    design, coordinates = row_space(penalty.design(features), penalty)
    n, q = design.shape
    if q > n and penalty.regularization == 0:
        raise NoOptimum("regularization = 0 with fewer samples than parameters: the optimum is not unique (regularise)")
    begin = coordinates.reduce(beside(design, _start(start, features.shape[1] + (intercept != "none"))))
    del features
    ridge = beside(design, penalty.weight(n) * penalty.diagonal(q))
    parameters, iterations = minimize(design, labels, ridge, begin)
    try:
        model = Model.at(design, labels, penalty, coordinates, parameters, iterations)
    except np.linalg.LinAlgError:
        raise NoOptimum(UNPROVED if penalty.regularization == 0 else SINGULAR) from None
    _require_certified(model)
    return model


@dataclass(frozen=True, eq=False)
class FullObjective:
    """The full objective, as ``lbfgs`` minimises it: one row, in parameters, not changes.

    Attributes
    ----------
    X, y : (n, q), (n,) float64 arrays
    ridge : (q,) float64 array
        Diagonal of ``weight P``.
    factor : (q, q) float64 array
        Lower Cholesky factor of a Hessian near by.
    """

    X: Array
    y: Array
    ridge: Array
    factor: Array

    @property
    def divisor(self) -> Array:
        """n."""
        return np.array([float(len(self.y))])

    @property
    def precision(self) -> Any:
        """Double: one vector costs little."""
        return self.X.dtype

    def reference(self) -> tuple[Array, Array]:
        """Zero and y: predictors are whole, and slopes are p - y."""
        return 0 * self.y, self.y

    def predictors(self, parameters: Array, rows: IntArray) -> Array:
        """``X theta``, (1, n)."""
        return parameters @ self.X.T

    def slopes(self, predictors: Array) -> Array:
        """``p - y``, (1, n)."""
        return loss.slope(predictors, self.y)

    def gradient(self, parameters: Array, slopes: Array, rows: IntArray) -> Array:
        """``X' (p - y) + weight P theta``, (1, q)."""
        return slopes @ self.X + self.ridge * parameters

    def precondition(self, gradients: Array, slopes: Array, rows: IntArray) -> tuple[Array, float]:
        """The factored Hessian's inverse times the gradient, (1, q), which takes no sweep."""
        return cholesky_solve(self.factor, gradients[0])[None, :], 0.0

    def penalty_along(self, direction: Array, rows: IntArray) -> Array:
        """``weight d' P d``, (1,)."""
        return dots(self.ridge * direction, direction)

    def accurate(self, parameters: Array, decrements: Array, rows: IntArray) -> BoolArray:
        """Never: what is left of the full model's gradient enters every effect."""
        return np.zeros(1, dtype=np.bool_)

    def rounding(self, parameters: Array, predictors: Array, slopes: Array) -> Array:
        """Any gradient that is certified and no longer halves counts as rounding."""
        return beside(slopes, [np.inf])

    def separated(self, predictors: Array, rows: IntArray) -> BoolArray:
        """Whether all samples are on their own side, without regularisation."""
        if bool(namespace(self.ridge).any(self.ridge != 0)):
            return np.zeros(1, dtype=np.bool_)
        return np.array([bool(((2 * self.y - 1) * predictors[0] > 0).all())])


def minimize(X: Array, y: Array, ridge: Array, start: Array) -> tuple[Array, int]:
    """Minimiser, (q,), and how many directions were taken from ``start``.

    Far from the optimum, where a step of the quadratic model has to be cut, every iteration factors the Hessian; near
    by, one factor serves all that is left.

    Raises
    ------
    NoOptimum
        No regularisation, and the data are separable or their columns linearly dependent.
    """
    parameters, iterations = start[None, :], 0
    for _ in range(FACTOR_LIMIT):
        objective = FullObjective(X, y, ridge, _factor(hessian(X, loss.curvature(X @ parameters[0]), ridge)))
        found = lbfgs.minimize(objective, parameters, ITERATIONS_A_FACTOR, until_cut=True)
        parameters, iterations = found.parameters, iterations + int(found.iterations[0])
        if found.status[0] == Status.NOT_REMOVABLE.value:
            raise NoOptimum("the classes are separable and regularization = 0: the weights grow for ever (regularise)")
        if found.status[0] != Status.ITERATION_LIMIT.value:
            break
    return parameters[0], iterations


def _factor(matrix: Array) -> Array:
    try:
        return cholesky(matrix)
    except np.linalg.LinAlgError:
        raise NoOptimum(SINGULAR) from None


def _checked(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array]:
    """Features as they came, labels as float64, both where the features live."""
    given: Any = X
    features, labels = (np.asarray(on_host(values) if is_tensor(values) else values) for values in (X, y))
    if features.dtype == object or not np.issubdtype(features.dtype, np.number) or np.iscomplexobj(features):
        raise InvalidData(f"X: expected real numbers, got {features.dtype}")
    if features.ndim != 2 or features.shape[0] < 2 or features.shape[1] < 1:
        raise InvalidData(f"X: expected at least 2 samples and 1 feature, (n, d), got shape {features.shape}")
    if labels.shape != (len(features),):
        raise InvalidData(f"y: expected one label for each of {len(features)} samples, got shape {labels.shape}")
    if min(features.shape) > DENSE_LIMIT:
        gigabytes = 8 * (3 * min(features.shape) ** 2 + 3 * features.size) / 1e9
        raise InvalidData(
            f"X: min(n, d) = {min(features.shape)} > {DENSE_LIMIT}: the dense engine would need {gigabytes:.0f} GB"
        )
    if not np.isfinite(features).all():
        row, column = np.argwhere(~np.isfinite(features))[0]
        raise InvalidData(f"X: {features[row, column]} in row {row}, column {column}")
    largest = max(float(features.max()), -float(features.min()))
    if largest > LARGEST_FEATURE:
        raise InvalidData(f"X: features up to {largest:.0e} are too large, their products overflow (scale them)")
    if not np.isin(labels, (0, 1)).all():
        raise InvalidData(f"y: labels must be 0 or 1, got {np.unique(labels)[:5].tolist()}")
    return (given, beside(given, labels.copy())) if is_tensor(X) else (features, labels.astype(np.float64))


def _start(start: npt.ArrayLike | None, parameters: int) -> Array:
    theta = np.zeros(parameters) if start is None else np.asarray(start, dtype=np.float64)
    if theta.shape != (parameters,) or not np.isfinite(theta).all():
        raise InvalidData(f"start: expected {parameters} finite parameters, got shape {theta.shape}")
    return theta


def _require_certified(model: Model) -> None:
    """Refuse a vanishing gradient that proves nothing, and a gradient that does not vanish."""
    certificate = model.certificate
    if certificate.status is not Status.CONVERGED or certificate.gradient_floor > MEANINGLESS:
        raise NotConverged(
            f"gradient norm {certificate.gradient_norm:.1e} after {certificate.iterations} steps, "
            f"{CERTIFIED:.0e} is needed; rounding alone leaves {certificate.gradient_floor:.1e}, the Hessian's "
            f"condition number is {certificate.condition:.1e} (scale the features, or regularise more)"
        )
    if model.penalty.regularization == 0 and not np.isfinite(model.distance):
        raise NoOptimum(UNPROVED)


def from_sklearn(estimator: Any, X: npt.ArrayLike, y: npt.ArrayLike, regularizer: Regularizer = "per_sample") -> Model:
    """Take over a fitted scikit-learn ``LogisticRegression`` and polish it to its certified optimum.

    ``lambda = 1 / (n C)``; ``fit_intercept=True`` is scikit-learn's unpenalised intercept. scikit-learn's second
    class is label 1.

    Parameters
    ----------
    estimator : sklearn.linear_model.LogisticRegression
        Fitted to ``X`` and ``y``, two classes, l2 penalty or none, no weights.
    X : (n, d) array
        The features that it was fitted to.
    y : (n,) array
        Its labels, as the estimator knows them.
    regularizer : {"per_sample", "fixed"}
        What happens to the regulariser when samples are removed; scikit-learn has no say in this.

    Raises
    ------
    InvalidData
        The estimator is not fitted, not this model, or not fitted to these samples.
    """
    if type(estimator).__name__ != "LogisticRegression":
        raise InvalidData(f"expected a LogisticRegression, got a {type(estimator).__name__}")
    if not hasattr(estimator, "coef_"):
        raise InvalidData("the estimator is not fitted: call its fit first")
    if len(estimator.classes_) != 2:
        raise InvalidData(f"the estimator knows {len(estimator.classes_)} classes: expected 2")
    if estimator.class_weight is not None:
        raise InvalidData("class_weight is not supported: every sample counts once here")
    if getattr(estimator, "penalty", None) in ("l1", "elasticnet") or getattr(estimator, "l1_ratio", None):
        raise InvalidData("the estimator has an l1 penalty: expected l2 (l1_ratio=0)")
    if estimator.solver == "liblinear" and estimator.fit_intercept:
        raise InvalidData("liblinear penalises the intercept in its own way: use another solver")
    unpenalized = getattr(estimator, "penalty", None) is None
    labels = np.asarray(y)
    if not np.isin(labels, estimator.classes_).all():
        raise InvalidData(f"y: labels other than the estimator's classes {estimator.classes_.tolist()}")
    if np.shape(X)[1:] != (estimator.n_features_in_,):
        raise InvalidData(f"X: expected the {estimator.n_features_in_} features that the estimator knows")
    theta = np.append(estimator.coef_[0], estimator.intercept_) if estimator.fit_intercept else estimator.coef_[0]
    model = fit(
        X,
        (labels == estimator.classes_[1]).astype(np.float64),
        regularization=0.0 if unpenalized else 1 / (len(labels) * estimator.C),
        regularizer=regularizer,
        intercept="unpenalized" if estimator.fit_intercept else "none",
        start=theta,
    )
    given, optimum, nothing = (model.objective(parameters) for parameters in (theta, model.theta, 0 * theta))
    if given - optimum > FAR_FROM_OPTIMUM * (nothing - optimum):
        raise InvalidData(
            "the estimator is far from the optimum for these samples: it was fitted to others, with sample_weight, "
            "or stopped too early (raise max_iter)"
        )
    return model
