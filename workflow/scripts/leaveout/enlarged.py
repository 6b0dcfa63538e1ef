r"""A model beside samples that it was not trained on, so that adding one of them is leaving out the others.

Of n training samples and m further ones, "add sample j" is "leave out the m - 1 others": the same objective, gradient
and certificate as any removal (see ``leave_out``), if only the Hessian that all of them start from is the model's own.
In it the further samples have no curvature, and the regulariser counts them,

    H_1 = X' A X + (weight of n + m samples, less one share) P

With ``B' H B = I`` and ``B' P B = diag(sigma)`` at hand (see ``whitening``), another weight of P is another scale of
B's columns: nothing is factored anew.
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from leaveout import loss
from leaveout.arrays import Array
from leaveout.coordinates import widened
from leaveout.linear_algebra import beside, namespace
from leaveout.model import Model
from leaveout.penalty import Penalty
from leaveout.removed import RemovedHessian
from leaveout.whitening import Whitening, from_basis


@dataclass(frozen=True, eq=False, repr=False)
class Enlarged(Model):
    """A model of n samples with ``further`` ones below them; its parameters are the optimum without these.

    Attributes
    ----------
    further : int
        m.
    """

    further: int

    @cached_property
    def curvature(self) -> Array:
        """``a_i`` of the samples that the Hessian contains, (n + m,), 0 for the further ones."""
        curvature = loss.curvature(self.z)
        curvature[self.trained :] = 0.0
        return curvature

    @property
    def trained(self) -> int:
        """Number n of the samples that the model was trained on."""
        return self.n - self.further

    def without_others(self, sample: int) -> RemovedHessian:
        """Leave out all further samples but one; the Hessian is the regulariser's share of m - 1 samples less."""
        others = self.trained + np.delete(np.arange(self.further), sample)
        diagonal = self.whitening.shifted((1 - len(others)) * self.penalty.share)
        return RemovedHessian(others, 0 * self.parameters, min(1.0, float(diagonal.min())))


def enlarge(model: Model, X: npt.ArrayLike, y: npt.ArrayLike) -> Enlarged:
    """Put m further samples beside a model's own.

    Under ``fixed``, where the weight ``n lambda`` does not grow with samples, the record's lambda is ``n lambda / (n +
    m)``.

    Parameters
    ----------
    model : Model
        Of n samples.
    X : (m, d) array
        Features, without a constant column.
    y : (m,) array in {0, 1}
    """
    given, further = beside(model.X, model.penalty.design(np.asarray(X))), len(np.asarray(y))
    wide = _widened(model, given)
    penalty = _enlarged_penalty(model.penalty, model.n, further)
    shift = penalty.weight(model.n + further, 1) - model.penalty.weight(model.n, 1)
    scale = wide.whitening.shifted(shift) ** -0.5
    whitening = from_basis(
        wide.whitening.basis * scale, wide.P, wide.whitening.hessian_norm + shift, wide.whitening.scaled_condition
    )
    xp, rows = namespace(model.X), wide.coordinates.reduce(given)
    return Enlarged(
        X=xp.concat([wide.X, rows], axis=0),
        y=xp.concat([model.y, beside(model.X, y)], axis=0),
        penalty=penalty,
        coordinates=wide.coordinates,
        parameters=wide.parameters,
        iterations=model.iterations,
        whitening=whitening,
        whitened=xp.concat([wide.whitened * scale, whitening.whiten(rows)], axis=0),
        further=further,
    )


def _enlarged_penalty(penalty: Penalty, n: int, further: int) -> Penalty:
    if penalty.regularizer == "per_sample":
        return penalty
    return replace(penalty, regularization=penalty.regularization * n / (n + further))


def _widened(model: Model, design: Array) -> Model:
    """The same model in coordinates that span further samples, (m, p): there its Hessian is the regulariser alone."""
    coordinates = widened(model.coordinates, design, model.penalty)
    if coordinates.basis is None or model.coordinates.basis is None:
        return model
    new = coordinates.basis.shape[1] - len(model.parameters)
    place = len(model.parameters) - int(model.penalty.intercept == "unpenalized")
    weight = model.penalty.weight(model.n, 1)
    basis = _inserted(_inserted(model.whitening.basis, place, new).T, place, new).T
    added = place + np.arange(new)
    basis[added, added] = weight**-0.5
    P = beside(model.X, model.penalty.diagonal(len(basis)))
    old: Whitening = model.whitening
    return Model(
        X=_inserted(model.X, place, new),
        y=model.y,
        penalty=model.penalty,
        coordinates=coordinates,
        parameters=_inserted(model.parameters[None, :], place, new)[0],
        iterations=model.iterations,
        whitening=from_basis(basis, P, max(old.hessian_norm, weight), old.scaled_condition + new),
        whitened=_inserted(model.whitened, place, new),
    )


def _inserted(rows: Array, place: int, count: int) -> Array:
    """Columns of zeros inserted at ``place``."""
    zeros = beside(rows, np.zeros((len(rows), count)))
    return namespace(rows).concat([rows[:, :place], zeros, rows[:, place:]], axis=1)
