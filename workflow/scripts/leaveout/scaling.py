r"""How far predictions are from each other and from the truth, by samples removed k, samples n and parameters d.

For uniformly random sets T of k samples, in the Euclidean norm of the parameters:

============  ====================  ===========================================================================
column        norm                  theory, up to logarithms and constants
============  ====================  ===========================================================================
if_newton     ||IF_T - NS_T||       mean over T: (k + d) sqrt(k d) / n^2
rif_newton    ||RIF_T - NS_T||      at most k^2 d / n^2 (Theorem 3.1, where eta, epsilon, delta are about sqrt(d) / n);
                                    mean over T: sqrt(k (k - 1) d) (sqrt(k) + sqrt(d)) / n^2
newton_truth  ||NS_T - truth_T||    mean over T: k d / n^2
============  ====================  ===========================================================================

The mean of the second is that of its leading term, ``H^{-1} sum_{i != j} a_i x_i (x_i' H^{-1} x_j) r_j`` over i and j
in T: k (k - 1) products of two factors that are about sqrt(d) / n, and the sum over i grows like the largest singular
value of k features, ``sqrt(k) + sqrt(d)``. For k = 1, RIF is NS.

Designs are made up to be well-behaved: ``x_i ~ N(0, I)``, ``theta*`` of norm `SIGNAL` in a random direction, ``y_i ~
Bernoulli(sigmoid(<x_i, theta*>))``, no intercept, next to no regulariser, ``fixed``. Runs of a study that keep fewer of
their training samples show the same on data, under their own settings.

References
----------
Rubinstein & Hopkins, "Rescaled Influence Functions", 2025, Theorem 3.1; "On the Accuracy of Newton Step and Influence
Function Data Attributions", 2025 (arXiv 2512.12572), for the means of the other two.
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from leaveout import result_rows, seeds
from leaveout.arrays import Array, IntArray
from leaveout.blocks import blocks
from leaveout.certificate import Status
from leaveout.estimators import additive_change, newton_change
from leaveout.fitting import fit
from leaveout.linear_algebra import expit, on_host
from leaveout.model import Model
from leaveout.random_sizes import SAMPLES_A_PARAMETER, removed_sizes
from leaveout.result_rows import RUN
from leaveout.retraining import ITERATION_LIMIT, Retraining, factor_removable, retrain_block

#: Name of what is made up, which no data set can have; norm of its parameters, and lambda.
SYNTHETIC, SIGNAL, REGULARIZATION = "made-up designs", 1.5, 1e-6
#: A row for each design, size and draw; see `measure`.
SCHEMA = result_rows.schema(
    "1",
    *RUN,
    pa.field("d", pa.int64(), nullable=False),
    pa.field("design", pa.int64(), nullable=False),
    pa.field("size", pa.int64(), nullable=False),
    pa.field("draw", pa.int64(), nullable=False),
    pa.field("if_newton", pa.float64()),
    pa.field("rif_newton", pa.float64()),
    pa.field("newton_truth", pa.float64()),
    pa.field("truth", pa.float64()),
    pa.field("gradient_norm", pa.float64()),
    pa.field("status", pa.string(), nullable=False),
)


def synthetic(n: int, d: int, design: int, seed: int) -> tuple[Array, Array]:
    """Features (n, d) and labels (n,) of one made-up design; the same whatever else is made."""
    generator = seeds.generator(seed, "scaling", n, d, design)
    direction = generator.normal(size=d)
    X = generator.normal(size=(n, d))
    p = expit(SIGNAL * (X @ direction) / float(np.linalg.norm(direction)))
    return X, (generator.random(n) < p).astype(np.float64)


def measure_synthetic(
    samples: Sequence[int], parameters: Sequence[int], designs: int, draws: int, seed: int, labels: Mapping[str, Any]
) -> Iterator[dict[str, Any]]:
    """Measure made-up designs of every n and d with `SAMPLES_A_PARAMETER` n for each d: rows of ``SCHEMA``.

    Parameters
    ----------
    samples, parameters : sequences of int
        n and d.
    designs, draws : int
        Designs of each n and d, and sets of each size k.
    seed : int
    labels : mapping
        ``study``.
    """
    for n, d, design in itertools.product(samples, parameters, range(designs)):
        if n < SAMPLES_A_PARAMETER * d:
            continue
        X, y = synthetic(n, d, design, seed)
        model = fit(X, y, REGULARIZATION, "fixed", "none")
        run = {
            "dataset": SYNTHETIC,
            "variant": f"n{n}-d{d}-{design}",
            "regularization": REGULARIZATION,
            "regularizer": "fixed",
            "intercept": "none",
            "n_train": n,
        }
        yield from measure(model, draws, seed, dict(labels) | run, design)


def measure(
    model: Model,
    draws: int,
    seed: int,
    labels: Mapping[str, Any],
    design: int = 0,
    iteration_limit: int = ITERATION_LIMIT,
) -> Iterator[dict[str, Any]]:
    """Measure random sets of one model, of every size.

    Parameters
    ----------
    model : Model
        Certified.
    draws : int
        Sets of each size.
    seed : int
    labels : mapping
        Columns that all rows share: study, data set, variant and settings.
    design : int
        Number of the design among those of the same n and d.
    iteration_limit : int
        Most directions for a retrain.

    Yields
    ------
    dict
        Rows of ``SCHEMA``: ``d`` counts parameters, a constant's among them; ``if_newton``, ``rif_newton`` and
        ``newton_truth`` are the norms above, ``truth`` is ``||theta_hat(T) - theta_hat||``, all Euclidean; the
        retrained model's ``gradient_norm`` (mean form) and ``status``. Norms are null where no optimum exists, those to
        the truth also where it is not certified.
    """
    drawn = list(draw(model.n, draws, seed, str(labels["dataset"]), len(model.theta), design))
    for block in blocks(model.X.shape, len(drawn)):
        yield from _measure_block(model, drawn[block], dict(labels) | {"design": design}, iteration_limit)


def draw(n: int, draws: int, seed: int, *words: str | int) -> Iterator[tuple[int, IntArray]]:
    """Number of the draw and a uniformly random set, sorted, for each size and draw; each depends on itself alone."""
    for size, number in itertools.product(removed_sizes(n), range(draws)):
        generator = seeds.generator(seed, "scaling draw", n, *words, size, number)
        yield number, np.sort(generator.choice(n, size=size, replace=False)).astype(np.int64)


def _measure_block(
    model: Model, drawn: Sequence[tuple[int, IntArray]], labels: Mapping[str, Any], iteration_limit: int
) -> Iterator[dict[str, Any]]:
    sets = [positions for _, positions in drawn]
    changes = {name: np.full((len(sets), model.X.shape[1]), np.nan) for name in ("if", "rif", "newton")}
    retrained = Retraining.not_removable(len(sets), model.X.shape[1])
    hessians = factor_removable(model, sets)
    if hessians:
        where, factored = np.array(list(hessians)), list(hessians.values())
        newton = newton_change(model, factored)
        changes["newton"][where] = on_host(newton)
        for name in ("if", "rif"):
            changes[name][where] = on_host(additive_change(model, [sets[j] for j in where], name))
        retrained.assign(where, retrain_block(model, factored, newton, iteration_limit))
    # rotations keep the norm: the model's own coordinates will do
    truth = np.where((retrained.status == Status.CONVERGED.value)[:, None], retrained.change, np.nan)
    norms = {
        "if_newton": np.linalg.norm(changes["if"] - changes["newton"], axis=1),
        "rif_newton": np.linalg.norm(changes["rif"] - changes["newton"], axis=1),
        "newton_truth": np.linalg.norm(changes["newton"] - truth, axis=1),
        "truth": np.linalg.norm(truth, axis=1),
        "gradient_norm": retrained.gradient_norm,
    }
    for j, (number, positions) in enumerate(drawn):
        row = dict(labels) | {"d": len(model.theta), "size": len(positions), "draw": number}
        yield row | {name: float(values[j]) for name, values in norms.items()} | {"status": str(retrained.status[j])}
