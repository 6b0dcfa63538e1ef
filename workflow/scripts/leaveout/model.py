"""The full model: a regularised logistic regression at its certified optimum."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg

from leaveout import bounds, loss, newton
from leaveout.arrays import Array, rounding
from leaveout.certificate import CERTIFIED, Certificate, Status
from leaveout.coordinates import Coordinates, row_space
from leaveout.errors import InvalidData, NoOptimum, NotConverged
from leaveout.penalty import Intercept, Penalty, Regularizer

#: Largest min(n, d) that the dense engine factors.
DENSE_LIMIT = 20_000
#: Share of the objective's whole decrease that a foreign fit may still be above the optimum.
FAR_FROM_OPTIMUM = 0.05
#: Largest absolute feature: fourth powers of it must not overflow.
LARGEST_FEATURE = 1e70


@dataclass(frozen=True, eq=False, repr=False)
class Model:
    r"""The optimum ``theta_hat`` of ``J(theta) = (1/n) sum_i l_i(theta) + (lambda/2) theta' P theta``.

    All arrays but ``theta`` are in the coordinates of ``coordinates``: those of the features for n >= d, of their row
    space otherwise. Derived quantities are computed when first asked for, and kept.

    Attributes
    ----------
    X : (n, q) float64 array
        Features of the training samples, the constant column included.
    y : (n,) float64 array
        Labels in {0, 1}.
    penalty : Penalty
        Strength and convention of the regulariser.
    coordinates : Coordinates
        The way between R^q and the parameters R^p.
    parameters : (q,) float64 array
        The optimum.
    iterations : int
        Newton directions that the fit took.
    """

    X: Array
    y: Array
    penalty: Penalty
    coordinates: Coordinates
    parameters: Array
    iterations: int

    def __post_init__(self) -> None:
        for array in (self.X, self.y, self.parameters):
            array.setflags(write=False)  # what is derived from them is kept

    def __repr__(self) -> str:
        settings = f"regularization={self.penalty.regularization:g}, regularizer={self.penalty.regularizer!r}"
        return (
            f"<Model of {self.n} samples, {len(self.theta)} parameters, {settings}, gradient {self.gradient_norm:.0e}>"
        )

    @property
    def n(self) -> int:
        """Number of training samples."""
        return len(self.y)

    @property
    def theta(self) -> Array:
        """Parameters ``theta_hat``, (p,); the constant's weight, if there is one, is the last."""
        return self.coordinates.lift(self.parameters)

    @cached_property
    def P(self) -> Array:
        """Diagonal of P, (q,)."""
        return self.penalty.diagonal(self.X.shape[1])

    @cached_property
    def z(self) -> Array:
        """Linear predictors ``<x_i, theta_hat>``, (n,)."""
        return self.X @ self.parameters

    @cached_property
    def residual(self) -> Array:
        """``r_i = p_i - y_i``, (n,)."""
        return loss.slope(self.z, self.y)

    @cached_property
    def curvature(self) -> Array:
        """``a_i = p_i (1 - p_i)``, (n,)."""
        return loss.curvature(self.z)

    @cached_property
    def gradient(self) -> Array:
        """What is left of the sum-form gradient at ``theta_hat``, (q,): rounding."""
        return self.X.T @ self.residual + self.penalty.weight(self.n) * self.P * self.parameters

    @cached_property
    def row_norms(self) -> Array:
        """``||x_i||_2``, (n,)."""
        return np.linalg.norm(self.X, axis=1)

    def gradient_error(self, slopes: Array, curvature: Array, size: float) -> float:
        """Norm of the error with which ``X' slopes`` is computed: by its own sum, and by that of the linear predictors.

        Parameters
        ----------
        slopes, curvature : (n,) float64 arrays
            Slopes of the samples' losses, and how much they change with the linear predictor.
        size : float
            Norm of the parameters that the linear predictors are computed from.
        """
        summation = rounding(self.n) * np.linalg.norm(self.row_norms * slopes)
        return float(np.hypot(summation, rounding() * size * np.linalg.norm(curvature * self.row_norms**2)))

    @cached_property
    def gradient_rounding(self) -> float:
        """Norm of the error with which ``gradient`` itself is computed, sum form."""
        return self.gradient_error(self.residual, self.curvature, float(np.linalg.norm(self.parameters)))

    @property
    def gradient_norm(self) -> float:
        """``||grad J(theta_hat)||``, mean form."""
        return float(np.linalg.norm(self.gradient)) / self.n

    @cached_property
    def hessian(self) -> Array:
        """``H = X' A X + n lambda P``, (q, q)."""
        return newton.hessian(self.X, self.curvature, self.penalty.weight(self.n) * self.P)

    @cached_property
    def hessian_factor(self) -> Array:
        """Lower Cholesky factor of ``H``."""
        return newton.cholesky(self.hessian)

    @cached_property
    def deletion_factor(self) -> Array:
        """Lower Cholesky factor of ``H_1``: H less one sample's share of the regulariser. It serves every removal."""
        if not self.penalty.share:
            return self.hessian_factor
        return newton.cholesky(self.hessian - np.diag(self.penalty.share * self.P))

    @cached_property
    def whitened(self) -> Array:
        """``X L_1^{-T}``, (n, q): features in which ``H_1`` is the identity."""
        return self.whiten(self.X)

    def whiten(self, vectors: Array) -> Array:
        """Rows ``v`` to ``L_1^{-1} v``."""
        return scipy.linalg.solve_triangular(self.deletion_factor, vectors.T, lower=True, check_finite=False).T

    def unwhiten(self, vectors: Array) -> Array:
        """Rows ``u``, changes of the parameters in whitened coordinates, to ``L_1^{-T} u``."""
        L = self.deletion_factor
        return scipy.linalg.solve_triangular(L, vectors.T, lower=True, trans="T", check_finite=False).T

    @cached_property
    def deletion_gram(self) -> Array:
        """``x_i' H_1^{-1} x_i``, (n,)."""
        return np.einsum("ij,ij->i", self.whitened, self.whitened)

    @cached_property
    def leverage(self) -> Array:
        """Leverages ``h_i = a_i x_i' H^{-1} x_i``, (n,), in [0, 1); their sum is the effective number of parameters."""
        if not self.penalty.share:
            return self.curvature * self.deletion_gram
        half = scipy.linalg.solve_triangular(self.hessian_factor, self.X.T, lower=True, check_finite=False)
        return self.curvature * np.einsum("ji,ji->i", half, half)

    @cached_property
    def inverse_norm(self) -> float:
        """Estimate of ``||H^{-1}||`` in the 1-norm, which is never below the 2-norm (LAPACK's ``pocon``)."""
        reciprocal_condition, _ = scipy.linalg.lapack.dpocon(self.hessian_factor, self.hessian_norm, uplo="L")
        return 1 / (self.hessian_norm * reciprocal_condition) if reciprocal_condition > 0 else np.inf

    @cached_property
    def hessian_norm(self) -> float:
        """``||H||_1``, which is never below the 2-norm."""
        return float(np.linalg.norm(self.hessian, 1))

    @cached_property
    def distance(self) -> float:
        """Bound of ``||theta* - theta_hat||_H``: how far the exact optimum can be; infinite where none is proved."""
        decrement = self.certificate.newton_decrement + self.gradient_rounding * np.sqrt(self.inverse_norm)
        return bounds.distance(decrement, self.z, self.curvature, np.sqrt(self.deletion_gram))

    @cached_property
    def certificate(self) -> Certificate:
        """The evidence, computed from the parameters at hand, also when they were read from a file."""
        return Certificate(
            gradient_norm=self.gradient_norm,
            newton_decrement=float(np.sqrt(self.gradient @ newton.solve(self.hessian_factor, self.gradient))),
            iterations=self.iterations,
            status=Status.CONVERGED if self.gradient_norm <= CERTIFIED else Status.ITERATION_LIMIT,
            condition=self.hessian_norm * self.inverse_norm,
            gradient_floor=self.gradient_rounding / self.n,
        )

    def objective(self, theta: Array) -> float:
        """``J(theta)``, mean form, for parameters (p,)."""
        u = self.coordinates.reduce(theta)
        total = loss.value(self.X @ u, self.y).sum() + self.penalty.weight(self.n) / 2 * u**2 @ self.P
        return float(total) / self.n

    def features(self, X: npt.ArrayLike) -> Array:
        """Other samples' features, (m, d), in the model's coordinates, (m, q)."""
        return self.coordinates.reduce(self.penalty.design(np.asarray(X)))

    def accuracy(self, X: npt.ArrayLike, y: npt.ArrayLike) -> float:
        """Share of samples on their own side of the decision boundary; ``X`` is (m, d)."""
        return float(np.mean((self.features(X) @ self.parameters > 0) == (np.asarray(y) > 0)))


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
        Features, without a constant column.
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
    if intercept == "unpenalized" and labels.min() == labels.max():
        raise NoOptimum("all labels are equal and the intercept is not regularised: it grows for ever (penalise it)")
    design, coordinates = row_space(penalty.design(features), penalty)
    if design.shape[1] > len(labels) and penalty.regularization == 0:
        raise NoOptimum("regularization = 0 with fewer samples than parameters: the optimum is not unique (regularise)")
    begin = coordinates.reduce(_start(start, penalty.design(features[:1]).shape[1]))
    ridge = penalty.weight(len(labels)) * penalty.diagonal(design.shape[1])
    minimum = newton.minimize(design, labels, ridge, len(labels), begin)
    model = Model(design, labels, penalty, coordinates, minimum.theta, minimum.iterations)
    _require_certified(model)
    return model


def _checked(X: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Array, Array]:
    features, labels = np.asarray(X), np.asarray(y)
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
    features = features.astype(np.float64)
    if not np.isfinite(features).all():
        row, column = np.argwhere(~np.isfinite(features))[0]
        raise InvalidData(f"X: {features[row, column]} in row {row}, column {column}")
    if np.abs(features).max() > LARGEST_FEATURE:
        raise InvalidData(
            f"X: features up to {np.abs(features).max():.0e} are too large, their products overflow (scale them)"
        )
    if not np.isin(labels, (0, 1)).all():
        raise InvalidData(f"y: labels must be 0 or 1, got {np.unique(labels)[:5].tolist()}")
    return features, labels.astype(np.float64)


def _start(start: npt.ArrayLike | None, parameters: int) -> Array:
    theta = np.zeros(parameters) if start is None else np.asarray(start, dtype=np.float64)
    if theta.shape != (parameters,) or not np.isfinite(theta).all():
        raise InvalidData(f"start: expected {parameters} finite parameters, got shape {theta.shape}")
    return theta


def _require_certified(model: Model) -> None:
    """Refuse a vanishing gradient that proves nothing, and a gradient that does not vanish."""
    try:
        certificate = model.certificate
    except np.linalg.LinAlgError:
        raise NoOptimum("the Hessian at the optimum is singular: the optimum is not unique (regularise)") from None
    if certificate.status is not Status.CONVERGED:
        raise NotConverged(
            f"gradient norm {certificate.gradient_norm:.1e} after {certificate.iterations} Newton steps, "
            f"{CERTIFIED:.0e} is needed; rounding alone leaves {certificate.gradient_floor:.1e}, the Hessian's "
            f"condition number is {certificate.condition:.1e} (scale the features, or regularise more)"
        )
    if model.penalty.regularization == 0 and not np.isfinite(model.distance):
        raise NoOptimum(
            "regularization = 0 and the gradient vanishes without an optimum near by: the classes are separable, at "
            "least in part, the columns linearly dependent, or so unequal that rounding hides it (regularise, or scale)"
        )


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
