"""Rows of results as a study writes them, without a model behind them."""

import numpy as np
import pyarrow as pa

from leaveout.effects import RETRAIN, table

#: How far each prediction is from the truth: a factor of it.
FACTORS = {"if": 0.5, "rif": 0.8, "newton": 1.02}
#: A run, for rows of which nothing depends on it.
LABELS = {
    "study": "s",
    "dataset": "d",
    "variant": "base",
    "regularization": 1e-3,
    "regularizer": "per_sample",
    "intercept": "penalized",
    "n_train": 80,
}
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


RUN = {"study": "demo", "dataset": "digits", "variant": "base", "n_train": 100}
RUN |= {"regularization": 1e-5, "regularizer": "per_sample", "intercept": "penalized"}
CERTIFIED = {"gradient_norm": 1e-14, "newton_decrement": 1e-12, "effect_error": 1e-10, "iterations": 5}


def poisoning_rows(samples=12, uncertified=()) -> pa.Table:
    """Rows of poisons: IF sees half of each change, RIF four fifths; of ids in ``uncertified`` the retrain failed."""
    generator = np.random.default_rng(0)
    rows = []
    for i in range(samples):
        shared = RUN | {"id": f"digits-{i:04d}", "y": i % 2, "logit": float(generator.normal())}
        actual = -float(generator.exponential()) * 5
        rows += [shared | {"method": method, "effect": FACTORS[method] * actual} for method in ("if", "rif")]
        failed = shared["id"] in uncertified
        truth = {"method": RETRAIN, "effect": -1e6 if failed else actual}
        rows.append(shared | truth | CERTIFIED | {"status": "iteration_limit" if failed else "converged"})
    return filled(rows)


def without_predictions(rows, missing) -> pa.Table:
    """Rows in which predictions, ``(set_id or id, method)``, have no number."""
    name = "set_id" if "set_id" in rows.column_names else "id"
    gaps = dict.fromkeys({"effect", "effect_linear"} & {*rows.column_names})
    changed = [row | gaps if (row[name], row["method"]) in missing else row for row in rows.to_pylist()]
    return pa.Table.from_pylist(changed, schema=rows.schema)


def detection_rows(orders, n, retrained=(0, 1), uncertified=()) -> pa.Table:
    """Rows of a ranking of n + m samples.

    ``orders``: for each draw and method, the m ranks at which it has the planted samples, ``{"if": [3, 9], ...}``. The
    samples at positions ``retrained`` are retrained without, the others of these with an odd position as a control.
    """
    rows = []
    for draw, methods in enumerate(orders):
        planted = len(next(iter(methods.values())))
        total = n + planted
        for method, found in methods.items():
            others = [rank for rank in range(1, total + 1) if rank not in found]
            for i, rank in enumerate([*found, *others]):
                shared = RUN | {"draw": draw, "id": f"sample-{i}", "y": i % 2, "planted": i < planted}
                effect = 10.0 / rank
                rows.append(shared | {"method": method, "effect": effect, "rank": rank, "control": False})
                if method == "rif" and i in retrained:
                    failed = f"sample-{i}" in uncertified
                    truth = {"method": RETRAIN, "effect": 1.1 * effect, "rank": None, "control": i % 2 == 1}
                    status = "iteration_limit" if failed else "converged"
                    rows.append(shared | truth | CERTIFIED | {"status": status})
    return filled(rows)


def filled(rows) -> pa.Table:
    """Rows as a table, in which what a row does not have is null."""
    columns = dict.fromkeys(name for row in rows for name in row)
    return pa.Table.from_pylist([columns | row for row in rows])
