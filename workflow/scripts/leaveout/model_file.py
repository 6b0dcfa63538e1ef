"""A model on disk: parameters and settings, the factored Hessian and the samples in its coordinates."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from leaveout import archives, array_file, files
from leaveout.arrays import Array, rounding
from leaveout.blocks import pieces
from leaveout.certificate import Status
from leaveout.checksums import checksum
from leaveout.coordinates import Coordinates
from leaveout.errors import InvalidResults
from leaveout.linear_algebra import beside, namespace, on_host
from leaveout.model import Model
from leaveout.penalty import Penalty
from leaveout.whitening import from_basis

#: What reading an archive of arrays that is damaged raises.
DAMAGE = (*archives.DAMAGE, *array_file.DAMAGE)
#: How many times the rounding of whitened samples is still rounding; those of others are some thousand times off.
ALIKE = 10.0


def write_model(model: Model, test_accuracy: float, path: str | Path, factor: str | Path, stamp: str = "") -> None:
    """Write ``fit.npz``, with its stamp, and ``factor.npy``.

    The first holds parameters, settings, and the certificate for whoever reads it elsewhere. The second holds what
    jobs would have to compute again, and read through the memory that they share: the training samples in whitened
    coordinates, (n, q), under them the basis of these, (q, q), and, where there are fewer samples than features, that
    of the row space, (p, q), which rounding makes another one on every machine.
    """
    certificate = model.certificate
    parts = [model.whitened, model.whitening.basis]
    if model.coordinates.basis is not None:
        parts.append(model.coordinates.basis)
    factor_sha256 = array_file.write_array([on_host(part) for part in parts], factor)
    with files.complete(path) as unfinished:
        np.savez(
            unfinished,
            theta=model.theta,
            regularization=model.penalty.regularization,
            regularizer=model.penalty.regularizer,
            intercept=model.penalty.intercept,
            n=model.n,
            gradient_norm=certificate.gradient_norm,
            newton_decrement=certificate.newton_decrement,
            iterations=certificate.iterations,
            status=certificate.status.value,
            condition=certificate.condition,
            gradient_floor=certificate.gradient_floor,
            hessian_norm=model.whitening.hessian_norm,
            scaled_condition=model.whitening.scaled_condition,
            factor_sha256=factor_sha256,
            training_accuracy=float(np.mean((on_host(model.z) > 0) == (on_host(model.y) > 0))),
            curvature=float(on_host(model.curvature).mean()),
            test_accuracy=test_accuracy,
            stamp=stamp.encode(),
        )


@dataclass(frozen=True)
class FitSummary:
    """What a table says of a fit.

    Attributes
    ----------
    n_train, features : int
        The constant is no feature.
    training_accuracy, test_accuracy : float
        Shares of these samples on their own side of the decision boundary.
    curvature : float
        Mean of ``p_i (1 - p_i)`` over the training samples, in (0, 1/4]: the less is left, the more separable they are.
    """

    n_train: int
    features: int
    training_accuracy: float
    test_accuracy: float
    curvature: float


def read_summary(path: str | Path) -> FitSummary:
    """Read the numbers of ``fit.npz`` that describe it.

    Raises
    ------
    InvalidResults
        The file is damaged.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as fit:
            constant = int(str(fit["intercept"]) != "none")
            shares = (float(fit[name]) for name in ("training_accuracy", "test_accuracy", "curvature"))
            return FitSummary(int(fit["n"]), fit["theta"].size - constant, *shares)
    except DAMAGE as error:
        raise InvalidResults(f"{path}: {error} (delete it and run again)") from error


def read_model(path: str | Path, factor: str | Path, X: Array, y: Array) -> Model:
    """Read a model and set it on its training samples, where these live; its certificate is computed afresh.

    Raises
    ------
    InvalidResults
        The parameters are not the optimum for these samples, or the factor is not theirs: the files are damaged or
        belong to others.
    """
    try:
        with Path(path).open("rb") as stream, np.load(stream, allow_pickle=False) as fit:
            penalty = Penalty(float(fit["regularization"]), str(fit["regularizer"]), str(fit["intercept"]))  # type: ignore[arg-type]
            theta, iterations = fit["theta"], int(fit["iterations"])
            norms = float(fit["hessian_norm"]), float(fit["scaled_condition"])
            belongs = str(fit["factor_sha256"]) == checksum(Path(factor))
        stored = np.asarray(np.load(factor, mmap_mode="r", allow_pickle=False))
    except DAMAGE as error:
        raise InvalidResults(f"{path}, {factor}: {error} (delete both and run again)") from error
    if not belongs:
        raise InvalidResults(f"{factor}: does not belong to {path} (delete both and run again)")
    design = penalty.design(X)
    if theta.shape != (design.shape[1],):
        raise InvalidResults(
            f"{path}: {theta.size} parameters for {design.shape[1]} features (delete it and run again)"
        )
    n, q = len(design), stored.shape[-1]
    if stored.ndim != 2 or len(stored) not in (n + q, n + q + len(theta)):
        raise InvalidResults(f"{factor}: {len(stored)} rows, {n + q} were expected (delete it and run again)")
    whitened, basis, row_space = (beside(design, part) for part in np.split(stored, [n, n + q]))
    coordinates = Coordinates(row_space if len(row_space) else None)
    whitening = from_basis(basis, beside(design, penalty.diagonal(q)), *norms)
    parameters = coordinates.reduce(beside(design, theta))
    labels = beside(design, np.array(y))  # a copy: the model's arrays are its own
    features = coordinates.reduce(design)
    model = Model(features, labels, penalty, coordinates, parameters, whitening, whitened, iterations)
    if model.certificate.status is not Status.CONVERGED:
        raise InvalidResults(
            f"{path}: gradient norm {model.gradient_norm:.1e} on these training samples: not their optimum "
            "(delete it and run again)"
        )
    if not _whitened_alike(model):
        raise InvalidResults(f"{factor}: computed from other samples, or in another order (delete it and run again)")
    return model


def _whitened_alike(model: Model) -> bool:
    """Whether the whitened samples are these samples: their sums over coordinates, within rounding, each."""
    xp, basis = namespace(model.X), model.whitening.basis
    ones, sizes = basis.sum(axis=1), xp.abs(basis).sum(axis=1)
    limit = ALIKE * rounding(len(sizes))
    return all(
        bool((xp.abs(W.sum(axis=1) - X @ ones) <= limit * (xp.abs(X) @ sizes)).all())
        for X, W in ((model.X[piece], model.whitened[piece]) for piece in pieces(model.X.shape))
    )
