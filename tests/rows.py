"""Rows of results as a study writes them, without a model behind them."""

import numpy as np
import pyarrow as pa

from leaveout.effects import RETRAIN, table

#: How far each prediction is from the truth: a factor of it.
FACTORS = {"if": 0.5, "rif": 0.8, "newton": 1.02}
EVALUATIONS = ("test_prediction", "test_loss", "self_loss")


def study_rows(
    datasets=("digits",),
    variants=("base",),
    strategies=("random", "cluster_l2"),
    sets=6,
    evaluations=EVALUATIONS,
    uncertified=(),
) -> pa.Table:
    """Rows of some runs; retrains of the ``set_id`` in ``uncertified`` failed and have an absurd effect."""
    generator = np.random.default_rng(0)
    rows = []
    for dataset in datasets:
        for variant in variants:
            shared = {
                "study": "demo",
                "dataset": dataset,
                "variant": variant,
                "regularization": 1e-5,
                "regularizer": "per_sample",
                "intercept": "penalized",
                "n_train": 100,
            }
            for strategy in strategies:
                for size in range(1, sets + 1):
                    rows += _set_rows(shared, strategy, size, evaluations, uncertified, generator)
    return table(rows)


def _set_rows(shared, strategy, size, evaluations, uncertified, generator):
    set_id = f"{strategy}-{size}-0"
    labels = shared | {"strategy": strategy, "size": size, "repeat": 0, "set_id": set_id}
    for evaluation in evaluations:
        actual = float(generator.normal())
        for method, factor in FACTORS.items():
            effect = factor * actual + 0.01 * float(generator.normal())
            yield labels | {
                "evaluation": evaluation,
                "method": method,
                "effect": effect,
                "effect_linear": 10 * effect,
            }
        failed = set_id in uncertified
        yield labels | {
            "evaluation": evaluation,
            "method": RETRAIN,
            "effect": 1e6 if failed else actual,
            "effect_linear": 1e6 if failed else 10 * actual,
            "gradient_norm": 1e-3 if failed else 1e-14 * size,
            "newton_decrement": 1e-2 if failed else 1e-12 * size,
            "effect_error": 1.0 if failed else 1e-10 * size,
            "iterations": 100 if failed else size,
            "status": "iteration_limit" if failed else "converged",
        }
