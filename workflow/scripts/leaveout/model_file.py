"""A model on disk: parameters and settings, and the factored Hessian; all else follows from the training samples."""

from pathlib import Path

import numpy as np

from leaveout import files
from leaveout.arrays import Array
from leaveout.certificate import Status
from leaveout.coordinates import row_space
from leaveout.errors import InvalidResults
from leaveout.linear_algebra import beside, on_host
from leaveout.model import Model
from leaveout.penalty import Penalty
from leaveout.whitening import from_basis


def write_model(model: Model, test_accuracy: float, path: str | Path, factor: str | Path) -> None:
    """Write ``fit.npz`` and ``factor.npy``.

    The first holds parameters, settings, and the certificate for whoever reads it elsewhere; the second the basis of
    the whitened coordinates, (q, q), in those that ``row_space`` gives: what jobs would have to factor again.
    """
    certificate = model.certificate
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
            test_accuracy=test_accuracy,
        )
    with files.complete(factor) as unfinished:
        np.save(unfinished, on_host(model.whitening.basis))


def read_model(path: str | Path, factor: str | Path, X: Array, y: Array) -> Model:
    """Read a model and set it on its training samples, where these live; its certificate is computed afresh.

    Raises
    ------
    InvalidResults
        The parameters are not the optimum for these samples: the file is damaged or belongs to others.
    """
    with np.load(path, allow_pickle=False) as stored:
        penalty = Penalty(float(stored["regularization"]), str(stored["regularizer"]), str(stored["intercept"]))  # type: ignore[arg-type]
        theta, iterations = stored["theta"], int(stored["iterations"])
        hessian_norm = float(stored["hessian_norm"])
    design = penalty.design(X)
    if theta.shape != (design.shape[1],):
        raise InvalidResults(
            f"{path}: {theta.size} parameters for {design.shape[1]} features (delete it and run again)"
        )
    reduced, coordinates = row_space(design, penalty)
    basis = np.load(factor, allow_pickle=False)
    q = reduced.shape[1]
    if basis.shape != (q, q):
        raise InvalidResults(f"{factor}: shape {basis.shape}, expected {(q, q)} (delete it and run again)")
    whitening = from_basis(beside(reduced, basis), beside(reduced, penalty.diagonal(q)), hessian_norm)
    parameters = coordinates.reduce(beside(reduced, theta))
    model = Model(reduced, beside(reduced, y), penalty, coordinates, parameters, iterations, whitening)
    if model.certificate.status is not Status.CONVERGED:
        raise InvalidResults(
            f"{path}: gradient norm {model.gradient_norm:.1e} on these training samples: not their optimum "
            "(delete it and run again)"
        )
    if not model.whitening_is_right():
        raise InvalidResults(f"{factor}: not the factor of this model's Hessian (delete it and run again)")
    return model
