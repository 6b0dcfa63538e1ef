r"""Exponents of a power law in several variables, from repeated measurements, with bootstrap intervals.

``mean over draws of y = C v_1^{e_1} v_2^{e_2} ...`` over cells of a design: least squares of the logarithm of each
cell's mean on those of its variables. A bootstrap sample draws designs anew, all their cells with them: what is drawn
from one design has more in common than n and d. Where a design is the only one of its kind, its draws stand in: they
say nothing of other designs.

Of m members m - 1 are drawn, each counted m / (m - 1) times: so few members drawn m times would scatter too little.

References
----------
Rao & Wu 1988, "Resampling inference with complex survey data".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from leaveout.arrays import Array, IntArray
from leaveout.calibration import SAMPLES, Interval


@dataclass(frozen=True, eq=False)
class Measurements:
    """Positive measurements of m draws in c cells.

    Attributes
    ----------
    values : (m,) float64 array
    cell : (m,) int array
        Ascending, from 0: the cell of each; every cell has one at least.
    variables : mapping from name to (c,) float64 array
        Of each cell; positive, and none is constant or a power law of the others.
    design : (c,) int array
        From 0: the design of each cell.
    stratum : (designs,) int array
        Ascending, from 0: designs of one stratum are replicates.
    """

    values: Array
    cell: IntArray
    variables: Mapping[str, Array]
    design: IntArray
    stratum: IntArray


def exponents(measured: Measurements, bootstrap: int, generator: np.random.Generator) -> dict[str, Interval]:
    """Exponent of each variable, with its 95 % interval.

    Parameters
    ----------
    measured : Measurements
    bootstrap : int
        Bootstrap samples.
    generator : numpy.random.Generator
        Draws them.
    """
    once = np.ones((1, len(measured.values))), np.ones((1, len(measured.stratum)))
    found = _fitted(measured, *once)[0]
    replicated = np.concatenate([_fitted(measured, *drawn) for drawn in _resampled(measured, bootstrap, generator)])
    return {name: Interval.around(found[i], replicated[:, i]) for i, name in enumerate(measured.variables)}


def _resampled(measured: Measurements, bootstrap: int, generator: np.random.Generator) -> Iterator[tuple[Array, Array]]:
    """How often each draw counts in its cell, (b, m), and each design, (b, designs), a few bootstrap samples a time."""
    alone = (np.bincount(measured.stratum)[measured.stratum] == 1)[measured.design][measured.cell]
    for begin in range(0, bootstrap, SAMPLES):
        count = min(SAMPLES, bootstrap - begin)
        draws, designs = (_redrawn(groups, count, generator) for groups in (measured.cell, measured.stratum))
        yield np.where(alone, draws, 1.0), designs


def _redrawn(groups: IntArray, count: int, generator: np.random.Generator) -> Array:
    """How often each member of ascending groups counts, (count, m): a group of one always once."""
    m, sizes = len(groups), np.bincount(groups)
    begins = np.cumsum(sizes) - sizes
    chosen = begins[groups] + (generator.random((count, m)) * sizes[groups]).astype(np.int64)
    taken = np.ones(m)
    taken[begins[sizes > 1]] = 0.0  # all but one
    places, weights = m * np.arange(count)[:, None] + chosen, np.broadcast_to(taken, (count, m))
    drawn = np.bincount(places.ravel(), weights.ravel(), minlength=count * m).reshape(count, m)
    return drawn * (sizes / np.maximum(sizes - 1, 1))[groups]


def _fitted(measured: Measurements, draws: Array, designs: Array) -> Array:
    """Exponents of each bootstrap sample, (b, variables)."""
    begins = np.searchsorted(measured.cell, np.arange(len(measured.design)))
    counted = np.add.reduceat(draws, begins, axis=1)
    means = np.add.reduceat(draws * measured.values, begins, axis=1) / counted
    logs = np.log(np.stack(list(measured.variables.values()), axis=1))
    A = np.column_stack([logs - logs.mean(axis=0), np.ones(len(logs))])  # centred: well conditioned
    weights = designs[:, measured.design]
    normal = np.einsum("bc,ci,cj->bij", weights, A, A, optimize=True)
    right = (weights * np.log(means)) @ A
    return np.linalg.solve(normal, right[:, :, None])[:, :-1, 0]
