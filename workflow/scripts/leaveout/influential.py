r"""The training samples that an evaluation function f hangs on most, each alone, and the first of them together.

To leading order the removal of sample i changes f by

    <grad f, RIF_i>             or, where f is the model's own objective and its gradient vanishes,
    RIF_i' H RIF_i / 2

and by the same with IF_i. Samples are ranked by RIF, in each direction for itself: those whose removal *raises* f, and
those whose removal *lowers* it. The objective can only rise. The first k of a ranking are a group; a group is measured
as any removal set is, by IF, RIF, NS and a certified retrain.
"""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaveout import result_rows
from leaveout.arrays import Array, IntArray
from leaveout.blocks import pieces
from leaveout.estimators import Additive, attribution, contributions
from leaveout.evaluation import Evaluation, Evaluations
from leaveout.linear_algebra import on_host, squares
from leaveout.measurement import measure
from leaveout.model import Model
from leaveout.ranking import ranks
from leaveout.removal import RemovalSet
from leaveout.result_rows import RUN
from leaveout.retraining import ITERATION_LIMIT

log = logging.getLogger(__name__)

#: What removals do to an evaluation function: the sign of their effects, and its name in that of a removal strategy.
DIRECTIONS: Mapping[str, tuple[int, str]] = {"raises": (1, "positive"), "lowers": (-1, "negative")}
#: A row for each evaluation function, direction and rank.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    pa.field("evaluation", pa.string(), nullable=False),
    pa.field("direction", pa.string(), nullable=False),
    pa.field("rank", pa.int64(), nullable=False),
    pa.field("id", pa.string(), nullable=False),
    pa.field("y", pa.int8(), nullable=False),
    pa.field("rif", pa.float64(), nullable=False),
    pa.field("if", pa.float64(), nullable=False),
    pa.field("if_rank", pa.int64(), nullable=False),
)


@dataclass(frozen=True, eq=False)
class Ranking:
    """Training samples in the order in which their removal moves an evaluation function in one direction.

    Attributes
    ----------
    evaluation, direction : str
        Names of the function and of the direction.
    order : (m,) int array
        Positions of the samples that RIF says to move it so, the strongest first; ties in the order of the samples.
    rif, influence : (n,) float64 arrays
        Leading-order effects of all samples by RIF and by IF.
    if_rank : (n,) int array
        Places of all samples by IF, from 1.
    """

    evaluation: str
    direction: str
    order: IntArray
    rif: Array
    influence: Array
    if_rank: IntArray


def leading_effects(model: Model, f: Evaluation, method: Additive) -> Array:
    """``<grad f, change_i>`` of every training sample, or ``change_i' H change_i / 2`` where the gradient vanishes.

    Costs a few passes over the samples; no (n, p) array of changes is formed.

    Parameters
    ----------
    model : Model
        A certified fit of n samples.
    f : Evaluation
        Bound to ``model``.
    method : {"if", "rif"}

    Returns
    -------
    (n,) float64 numpy array

    Raises
    ------
    NotRemovable
        A single sample determines a parameter: its leverage is 1.
    """
    if not f.stationary:
        return contributions(model, method, on_host(model.coordinates.lift(f.gradient[None, :])))[:, 0]
    estimator, share = attribution(model, method), model.penalty.share
    # in whitened coordinates changes are u_i / M, M of the estimator, and H is diagonal as M is
    weights = model.whitening.shifted(share) / estimator.diagonal**2
    forms = np.empty(model.n)
    for piece in pieces(model.X.shape):
        u = estimator.coefficients[piece, None] * model.whitened[piece] + share * model.whitened_penalty
        forms[piece] = on_host(squares(u, weights))
    return forms / 2


def rankings(model: Model, f: Evaluation) -> list[Ranking]:
    """Rank the training samples by what RIF says of their removal, for each direction that f can move in."""
    rif, influence = leading_effects(model, f, "rif"), leading_effects(model, f, "if")
    found = []
    for direction, (sign, _) in DIRECTIONS.items():
        order = np.argsort(-sign * rif, kind="stable")
        order = order[sign * rif[order] > 0]
        if_rank = ranks(sign * influence, np.arange(model.n))
        if len(order):
            found.append(Ranking(f.name, direction, order, rif, influence, if_rank))
    return found


def strategy(evaluation: str, direction: str) -> str:
    """Name of the strategy that removes the first of a ranking: ``top_positive_rif_test_loss``."""
    return f"top_{DIRECTIONS[direction][1]}_rif_{evaluation}"


def groups(ranking: Ranking, sizes: Sequence[int]) -> list[RemovalSet]:
    """The first k samples of a ranking for each k of ``sizes``, where it has that many and others are left."""
    name, most = strategy(ranking.evaluation, ranking.direction), min(len(ranking.order), len(ranking.rif) - 1)
    if missing := [str(k) for k in sizes if k > most]:
        log.info("%s: at most %d samples, left out: groups of %s", name, most, ", ".join(missing))
    return [RemovalSet(name, k, 0, np.sort(ranking.order[:k])) for k in sizes if k <= most]


def measure_groups(
    model: Model,
    evaluations: Evaluations,
    ranked: Iterable[Ranking],
    sizes: Sequence[int],
    labels: Mapping[str, Any],
    iteration_limit: int = ITERATION_LIMIT,
) -> Iterator[dict[str, Any]]:
    """Yield rows of ``effects.SCHEMA`` of all groups, each on the evaluation function that ranks its samples."""
    ranked = list(ranked)
    ranked_by = {strategy(ranking.evaluation, ranking.direction): ranking.evaluation for ranking in ranked}
    # all sets together, on all functions: the wide products of one block are faster than many narrow ones
    chosen = [group for ranking in ranked for group in groups(ranking, sizes)]
    rows = measure(model, evaluations, chosen, labels, iteration_limit)
    yield from (row for row in rows if row["evaluation"] == ranked_by[row["strategy"]])


def listed(
    ranked: Iterable[Ranking], count: int, ids: npt.NDArray[np.object_], y: Array, labels: Mapping[str, Any]
) -> pa.Table:
    """Rows of ``SCHEMA``: the first ``count`` samples of each ranking.

    Parameters
    ----------
    ranked : iterable of Ranking
    count : int
    ids, y : (n,) arrays
        The source's own names of the training samples, and their labels.
    labels : mapping
        Columns that all rows share: the run's.
    """
    rows = [
        dict(labels)
        | {
            "evaluation": ranking.evaluation,
            "direction": ranking.direction,
            "rank": rank,
            "id": ids[i],
            "y": int(y[i]),
            "rif": float(ranking.rif[i]),
            "if": float(ranking.influence[i]),
            "if_rank": int(ranking.if_rank[i]),
        }
        for ranking in ranked
        for rank, i in enumerate(ranking.order[:count], start=1)
    ]
    return result_rows.table(rows, SCHEMA)
