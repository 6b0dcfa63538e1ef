r"""Samples beside a model that was not trained on them, so that adding one of them is leaving out the others.

Of n training samples and m further ones, "add sample j" is "leave out the m - 1 others": the same objective, gradient
and certificate as any removal (see ``leave_out``), if only the Hessian that all of them start from is the model's own.
In it the further samples have no curvature, and the regulariser counts them,

    H_1 = X' A X + (weight of n + m samples, less one share) P

With ``B' H B = I`` and ``B' P B = diag(sigma)`` at hand (see ``whitening``), another weight of P is another scale of
B's columns: nothing is factored anew.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from leaveout import loss
from leaveout.arrays import Array
from leaveout.coordinates import widened
from leaveout.expansion import Expansion
from leaveout.linear_algebra import beside, namespace
from leaveout.model import Model
from leaveout.removed import RemovedHessian
from leaveout.whitening import from_basis


@dataclass(frozen=True, eq=False, repr=False)
class Enlarged(Expansion):
    """n training samples at their optimum, and ``further`` ones below them.

    Attributes
    ----------
    further : int
        m.
    """

    further: int

    @property
    def trained(self) -> int:
        """Number n of the samples that the parameters are the optimum of."""
        return self.n - self.further

    def weight(self, removed: int = 0) -> float:
        """Weight of the regulariser in sum form; under ``fixed`` it never grew with the further samples."""
        return self.penalty.weight(self.trained, removed - self.further)

    def divisor(self, removed: int = 0) -> int:
        """What turns the sum form into the mean form."""
        return self.penalty.divisor(self.trained, removed - self.further)

    @cached_property
    def curvature(self) -> Array:
        """``a_i`` of the samples that the Hessian contains, (n + m,), 0 for the further ones."""
        curvature = loss.curvature(self.z)
        curvature[self.trained :] = 0.0
        return curvature

    def only(self, *samples: int) -> RemovedHessian:
        """Leave out all further samples but some; the Hessian is the regulariser's share of the others less."""
        others = self.trained + np.delete(np.arange(self.further), samples)
        diagonal = self.whitening.shifted((1 - len(others)) * self.penalty.share)
        return RemovedHessian(others, 0 * self.parameters, min(1.0, float(diagonal.min())))


def enlarge(model: Model, X: npt.ArrayLike, y: npt.ArrayLike) -> Enlarged:
    """Put m further samples beside a model's own.

    Parameters
    ----------
    model : Model
        Of n samples.
    X : (m, d) array
        Features, without a constant column.
    y : (m,) array in {0, 1}
    """
    given, labels = beside(model.X, model.penalty.design(np.asarray(X))), beside(model.X, y)
    wide = _widened(model, given)
    xp, rows, old, further = namespace(model.X), wide.coordinates.reduce(given), wide.whitening, len(labels)
    shift = model.penalty.weight(model.n, 1 - further) - model.weight(1)
    scale = old.shifted(shift) ** -0.5
    whitening = from_basis(old.basis * scale, wide.P, old.hessian_norm + shift, old.scaled_condition)
    whitened = xp.concat([wide.whitened, whitening.whiten(rows)], axis=0)
    whitened[: model.n] *= scale  # in place: one more copy is memory
    return Enlarged(
        X=xp.concat([wide.X, rows], axis=0),
        y=xp.concat([model.y, labels], axis=0),
        penalty=model.penalty,
        coordinates=wide.coordinates,
        parameters=wide.parameters,
        whitening=whitening,
        whitened=whitened,
        further=further,
    )


def _widened(model: Model, design: Array) -> Expansion:
    """The same model in coordinates that span further samples, (m, p): there its Hessian is the regulariser alone."""
    coordinates = widened(model.coordinates, design, model.penalty)
    if coordinates.basis is None:
        return model
    new = coordinates.basis.shape[1] - len(model.parameters)
    place = len(model.parameters) - int(model.penalty.intercept == "unpenalized")
    weight, old = model.weight(1), model.whitening
    basis = _inserted(_inserted(old.basis, place, new).T, place, new).T
    added = place + np.arange(new)
    basis[added, added] = weight**-0.5
    P = beside(model.X, model.penalty.diagonal(len(basis)))
    return Expansion(
        X=_inserted(model.X, place, new),
        y=model.y,
        penalty=model.penalty,
        coordinates=coordinates,
        parameters=_inserted(model.parameters[None, :], place, new)[0],
        whitening=from_basis(basis, P, max(old.hessian_norm, weight), old.scaled_condition + new),
        whitened=_inserted(model.whitened, place, new),
    )


def _inserted(rows: Array, place: int, count: int) -> Array:
    """Columns of zeros inserted at ``place``."""
    zeros = beside(rows, np.zeros((len(rows), count)))
    return namespace(rows).concat([rows[:, :place], zeros, rows[:, place:]], axis=1)
