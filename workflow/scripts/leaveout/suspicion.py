r"""Which training samples are suspicious: ranked by how much their own loss would rise without them.

Removing sample i moves its own linear predictor by ``x_i' change``, away from its label, and its loss rises; a sample
that only the model's own effort keeps right rises most. With an additive estimator (see ``estimators``) all n changes
come at once, from the diagonal of a hat matrix:

    t_i = c_i w_i' D^{-1} w_i + share w_i' D^{-1} B' P theta_hat,      w_i = B' x_i

    IF: c = r, D = I + share diag(sigma)            RIF: c as in ``estimators``, D = I

and the rise is ``l(z_i + t_i) - l(z_i)``, the plain loss without the regulariser. Samples at the top of a ranking, and
a random control, are held against the truth: certified retrains without each of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaveout import loss, result_rows
from leaveout.arrays import Array, BoolArray, IntArray, rounding
from leaveout.blocks import blocks
from leaveout.effects import RETRAIN
from leaveout.embeddings import Samples
from leaveout.estimators import Additive, attribution, newton_change
from leaveout.leave_out import LeaveOut
from leaveout.linear_algebra import beside, dots, on_host, squares
from leaveout.model import Model
from leaveout.ranking import ranks
from leaveout.result_rows import CERTIFICATE, RUN
from leaveout.retraining import ITERATION_LIMIT, Retraining, factor_removable, retrain_block

#: Estimators that rank.
METHODS: tuple[Additive, ...] = ("if", "rif")

#: A row for each sample and method; rows of the truth only for samples that were retrained without. ``y`` is the label
#: that the model was trained on, ``effect`` the rise of the sample's own loss, ``rank`` 1 the most suspicious,
#: ``n_train`` the number of training samples that were not planted.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    pa.field("draw", pa.int64(), nullable=False),
    pa.field("id", pa.string(), nullable=False),
    pa.field("y", pa.int8(), nullable=False),
    pa.field("planted", pa.bool_(), nullable=False),
    pa.field("method", pa.string(), nullable=False),
    pa.field("effect", pa.float64()),
    pa.field("rank", pa.int64()),
    pa.field("control", pa.bool_(), nullable=False),
    *CERTIFICATE,
)


def own_changes(model: Model, method: Additive) -> Array:
    """Change of each training sample's own linear predictor when it is removed, (n,), as an additive estimator says."""
    estimator, share = attribution(model, method), model.penalty.share
    own = estimator.coefficients * squares(model.whitened, 1 / estimator.diagonal)
    return own + share * (model.whitened @ (model.whitened_penalty / estimator.diagonal))


def rises(model: Model, samples: IntArray | slice, t: Array) -> Array:
    """``l(z_i + t_i) - l(z_i)`` of training samples, from the changes t of their linear predictors, without cancelling.

    NaN where t is.
    """
    z, y = model.z[samples], model.y[samples]
    return loss.slope(z, y) * t + loss.divergence(z, t)


def predicted_rises(model: Model, method: Additive) -> Array:
    """Rise of each training sample's own loss when it is removed, (n,), a numpy array."""
    return np.asarray(on_host(rises(model, slice(None), own_changes(model, method))))


def actual_rises(
    model: Model, samples: IntArray, iteration_limit: int = ITERATION_LIMIT
) -> tuple[Retraining, Array, Array]:
    """Rise of each of some samples' own loss, by certified retraining without it.

    Parameters
    ----------
    model : Model
    samples : (m,) int array
        Training samples, each to be left out alone.
    iteration_limit : int
        Most directions for a retrain.

    Returns
    -------
    found : Retraining
        In the model's own coordinates.
    rise, error : (m,) float64 arrays
        The rises, NaN where no optimum exists, and bounds of what can still be wrong with them.
    """
    found = Retraining.not_removable(len(samples), model.X.shape[1])
    rise, error = np.full((2, len(samples)), np.nan)
    for block in blocks(model.X.shape, len(samples)):
        hessians = factor_removable(model, [samples[j : j + 1] for j in range(block.start, block.stop)])
        if not hessians:
            continue
        where = block.start + np.array(list(hessians))
        problem = LeaveOut(model, list(hessians.values()))
        part = retrain_block(model, problem.hessians, newton_change(model, problem.hessians), iteration_limit)
        found.assign(where, part)
        removed, change = samples[where], beside(model.X, part.change)
        t = dots(model.X[removed], change)
        rise[where] = on_host(rises(model, removed, t))
        error[where] = _errors(model, problem, removed, part.distance, change, t)
    return found, rise, error


def _errors(model: Model, problem: LeaveOut, removed: IntArray, distances: Array, changes: Array, t: Array) -> Array:
    """Bounds of the rises' errors, (m,): those of the predictors times the losses' steepest slopes near by."""
    x = model.X[removed]
    gram = on_host(model.deletion_gram[removed])
    sizes = on_host(dots(x, x)) ** 0.5 * (on_host(dots(changes, changes)) ** 0.5 + model.size)
    off = (gram / problem.least_eigenvalues) ** 0.5 * distances + gram**0.5 * model.distance
    off = off + rounding(x.shape[1]) * sizes
    z, y = model.z[removed], model.y[removed]
    steepest = np.maximum(np.abs(on_host(loss.slope(z, y))), np.abs(on_host(loss.slope(z + t, y))))
    return np.minimum(1.0, steepest + loss.LOSS_CURVATURE * off) * off


def rank_samples(
    model: Model,
    samples: Samples,
    planted: int,
    retrained: int,
    generator: np.random.Generator,
    labels: Mapping[str, Any],
    iteration_limit: int = ITERATION_LIMIT,
) -> pa.Table:
    """Rank all training samples by IF and by RIF, and retrain without the top of each ranking and without a control.

    Parameters
    ----------
    model : Model
    samples : Samples
        The n training samples.
    planted : int
        How many of them, the last ones, are known to be wrong.
    retrained : int
        How many samples at the top of each ranking, and how many random ones that are not planted, are left out for the
        truth.
    generator : numpy.random.Generator
        Draws the control, and the order of samples whose predicted rises are equal.
    labels : mapping
        Columns that all rows share: the run's and ``draw``.
    iteration_limit : int
        Most directions for a retrain; one that needs more is not certified, and its rows say so.

    Returns
    -------
    pyarrow.Table
        Rows of ``SCHEMA``: one for each sample and method, then those of the truth.
    """
    control = np.sort(generator.permutation(model.n - planted)[:retrained])
    priority = generator.permutation(model.n)
    everyone = np.arange(model.n)
    shared = Shared(samples.ids, on_host(model.y), everyone >= model.n - planted, np.isin(everyone, control), labels)
    tables, chosen = [], [control]
    for method in METHODS:
        rise = predicted_rises(model, method)
        rank = ranks(rise, priority)
        chosen.append(np.flatnonzero(rank <= retrained))
        tables.append(shared.rows(everyone, {"method": method, "effect": rise, "rank": rank}))
    top = np.unique(np.concatenate(chosen))
    found, actual, error = actual_rises(model, top, iteration_limit)
    evidence = {field.name: getattr(found, field.name) for field in CERTIFICATE if field.name != "effect_error"}
    tables.append(shared.rows(top, {"method": RETRAIN, "effect": actual, "effect_error": error, **evidence}))
    return pa.concat_tables(tables)


@dataclass(frozen=True, eq=False)
class Shared:
    """What rows say of training samples whoever ranks them: ``ids``, ``y``, ``planted``, ``control``, (n,) each."""

    ids: npt.NDArray[np.object_]
    y: Array
    planted: BoolArray
    control: BoolArray
    labels: Mapping[str, Any]

    def rows(self, samples: IntArray, columns: Mapping[str, Any]) -> pa.Table:
        """Rows of ``SCHEMA`` for some samples: arrays of one value each, or one for all; what is not given is null."""
        given = {"id": self.ids[samples], "y": self.y[samples], "planted": self.planted[samples]}
        given |= {"control": self.control[samples], **self.labels, **columns}
        arrays = []
        for field in SCHEMA:
            value = given.get(field.name)
            if not isinstance(value, np.ndarray):
                arrays.append(pa.array([value] * len(samples), field.type))
                continue
            arrays.append(pa.array(value.astype(field.type.to_pandas_dtype()), field.type, from_pandas=True))
        return pa.Table.from_arrays(arrays, schema=SCHEMA)
