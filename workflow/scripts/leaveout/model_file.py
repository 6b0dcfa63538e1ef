"""A model on disk: parameters and settings, and the factored Hessian; all else follows from the training samples."""

from pathlib import Path

import numpy as np

from leaveout import files
from leaveout.arrays import Array
from leaveout.certificate import Status
from leaveout.coordinates import Coordinates
from leaveout.errors import InvalidResults
from leaveout.linear_algebra import beside, on_host
from leaveout.model import Model
from leaveout.penalty import Penalty
from leaveout.sources import sha256
from leaveout.whitening import from_basis


def write_model(model: Model, test_accuracy: float, path: str | Path, factor: str | Path) -> None:
    """Write ``fit.npz`` and ``factor.npy``.

    The first holds parameters, settings, and the certificate for whoever reads it elsewhere. The second holds what
    jobs would have to factor again: the basis of the whitened coordinates, (q, q), and under it, where there are fewer
    samples than features, that of the row space, (p, q), which rounding makes another one on every machine.
    """
    certificate = model.certificate
    bases = [model.whitening.basis, *([] if model.coordinates.basis is None else [model.coordinates.basis])]
    with files.complete(factor) as unfinished:
        np.save(unfinished, np.concatenate([on_host(basis) for basis in bases]))
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
            factor_sha256=sha256(Path(factor)),
            test_accuracy=test_accuracy,
        )


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
        norms = float(stored["hessian_norm"]), float(stored["scaled_condition"])
        if str(stored["factor_sha256"]) != sha256(Path(factor)):
            raise InvalidResults(f"{factor}: does not belong to {path} (delete both and run again)")
    design = penalty.design(X)
    if theta.shape != (design.shape[1],):
        raise InvalidResults(
            f"{path}: {theta.size} parameters for {design.shape[1]} features (delete it and run again)"
        )
    bases = beside(design, np.load(factor, allow_pickle=False))
    q = bases.shape[1]
    coordinates = Coordinates(bases[q:] if len(bases) > q else None)
    whitening = from_basis(bases[:q], beside(design, penalty.diagonal(q)), *norms)
    parameters = coordinates.reduce(beside(design, theta))
    labels = beside(design, np.array(y))  # a copy: the model's arrays are its own
    model = Model(coordinates.reduce(design), labels, penalty, coordinates, parameters, iterations, whitening)
    if model.certificate.status is not Status.CONVERGED:
        raise InvalidResults(
            f"{path}: gradient norm {model.gradient_norm:.1e} on these training samples: not their optimum "
            "(delete it and run again)"
        )
    return model
