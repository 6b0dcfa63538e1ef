"""A model on disk: its parameters and settings; everything else follows from them and the training samples."""

from pathlib import Path

import numpy as np

from leaveout import files
from leaveout.arrays import Array
from leaveout.certificate import Status
from leaveout.coordinates import row_space
from leaveout.errors import InvalidResults
from leaveout.model import Model
from leaveout.penalty import Penalty


def write_model(model: Model, test_accuracy: float, path: str | Path) -> None:
    """Write ``fit.npz``: parameters, settings, and the certificate for whoever reads the file elsewhere."""
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
            test_accuracy=test_accuracy,
        )


def read_model(path: str | Path, X: Array, y: Array) -> Model:
    """Read a model and set it on its training samples; its certificate is computed afresh.

    Raises
    ------
    InvalidResults
        The parameters are not the optimum for these samples: the file is damaged or belongs to others.
    """
    with np.load(path, allow_pickle=False) as stored:
        penalty = Penalty(float(stored["regularization"]), str(stored["regularizer"]), str(stored["intercept"]))  # type: ignore[arg-type]
        theta, iterations = stored["theta"], int(stored["iterations"])
    design = penalty.design(X)
    if theta.shape != (design.shape[1],):
        raise InvalidResults(
            f"{path}: {theta.size} parameters for {design.shape[1]} features (delete it and run again)"
        )
    reduced, coordinates = row_space(design, penalty)
    model = Model.at(reduced, y, penalty, coordinates, coordinates.reduce(theta), iterations)
    if model.certificate.status is not Status.CONVERGED:
        raise InvalidResults(
            f"{path}: gradient norm {model.gradient_norm:.1e} on these training samples: not their optimum "
            "(delete it and run again)"
        )
    return model
