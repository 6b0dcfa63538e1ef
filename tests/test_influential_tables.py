"""Tables of influential samples: all numbers in the csv, a few for readers, and no truth without its certificate."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from leaveout import effects, influential, influential_tables, result_rows
from leaveout.influential import DIRECTIONS, Ranking
from leaveout.influential_tables import (
    SHOWN,
    groups_table,
    influential_table,
    readable_groups,
    readable_influential,
    uncertified,
)
from leaveout.tables import write_table

EVALUATIONS, SIZES, SAMPLES, N = ("test_loss", "self_loss_plain"), (1, 3), 8, 20
FORMS = ("csv", "md", "tex", "html")
RUN = {"study": "own", "regularization": 1e-3, "regularizer": "per_sample", "intercept": "penalized", "n_train": N}


def rankings():
    """A ranking for each evaluation function and direction, of made-up effects."""
    for i, evaluation in enumerate(EVALUATIONS):
        rif = np.random.default_rng(i).normal(size=N)
        for direction, (sign, _) in DIRECTIONS.items():
            order = np.argsort(-sign * rif)
            places = np.empty(N, dtype=np.int64)
            places[order] = np.arange(1, N + 1)
            yield Ranking(evaluation, direction, order, rif, rif / 2, places)


@pytest.fixture
def samples(tmp_path):
    """Files of two data sets."""
    files = []
    for dataset in ("first", "second"):
        ids = np.array([f"{dataset} {i}" for i in range(N)], dtype=object)
        rows = influential.listed(
            rankings(), SAMPLES, ids, np.arange(N) % 2, RUN | {"dataset": dataset, "variant": "base"}
        )
        files.append(tmp_path / f"{dataset}.parquet")
        result_rows.write(rows, files[-1])
    return files


def group_rows(failed):
    """Rows of all groups of a data set; the retrains of one size of one ranking failed, with an absurd effect."""
    for ranking in rankings():
        for group in influential.groups(ranking, SIZES):
            actual = float(ranking.rif[group.positions].sum())
            wrong = (ranking.evaluation, ranking.direction, group.size) == failed
            shared = RUN | {"dataset": "first", "variant": "base", "strategy": group.strategy, "size": group.size}
            shared |= {"repeat": 0, "set_id": group.set_id, "evaluation": ranking.evaluation}
            for method, factor in {"if": 0.5, "rif": 0.9, "newton": 1.1}.items():
                yield shared | {"method": method, "effect": factor * actual, "effect_linear": 0.0}
            certificate = {"gradient_norm": 1e-14, "newton_decrement": 1e-13, "effect_error": 2e-10, "iterations": 4}
            effect, status = (1e6, "iteration_limit") if wrong else (actual, "converged")
            yield shared | {"method": "retrain", "effect": effect, "effect_linear": 0.0, "status": status} | certificate


@pytest.fixture
def groups(tmp_path):
    """File of a data set in which one group is not certified."""
    file = tmp_path / "groups.parquet"
    effects.write(effects.table(group_rows(("test_loss", "lowers", 3))), file)
    return [file]


@pytest.fixture
def paths(tmp_path):
    return SimpleNamespace(**{form: tmp_path / f"table.{form}" for form in FORMS})


def test_the_csv_has_all_samples_and_readers_see_the_first(samples, paths):
    table = influential_table(samples)
    assert len(table) == 2 * len(EVALUATIONS) * len(DIRECTIONS) * SAMPLES
    shown = readable_influential(table)
    assert len(shown) == 2 * len(EVALUATIONS) * len(DIRECTIONS) * SHOWN
    write_table(table, shown, paths, "Samples.")
    pd.testing.assert_frame_equal(pd.read_csv(paths.csv), table, check_dtype=False)
    assert table.loc[table["rank"] > SHOWN, "id"].iloc[0] not in shown["id"].iloc[:SHOWN].tolist()
    header, _, first, *_ = paths.md.read_text().splitlines()
    assert [cell.strip() for cell in header.strip("|").split("|")] == [
        "data set",
        "evaluation",
        "removal",
        "rank",
        "id",
        "label",
        "RIF",
        "IF",
        "rank by IF",
    ]
    best = int(np.argmax(next(rankings()).rif))
    value = float(next(rankings()).rif[best])
    assert [cell.strip() for cell in first.strip("|").split("|")] == [
        "first",
        "test_loss",
        "raises",
        "1",
        f"first {best}",
        str(best % 2),
        f"{value:.3g}",
        f"{value / 2:.3g}",
        "1",
    ]


def test_a_group_has_its_predictions_beside_its_certified_retrain(groups):
    table = groups_table(groups)
    assert len(table) == len(EVALUATIONS) * len(DIRECTIONS) * len(SIZES)
    certified = table[table["status"] == "converged"]
    for method, factor in {"if": 0.5, "rif": 0.9, "newton": 1.1}.items():
        assert certified[method].to_numpy() == pytest.approx(factor * certified["actual"].to_numpy())
    signs = certified["direction"].map({"raises": 1, "lowers": -1})
    assert (signs * certified["actual"] > 0).all()
    assert table["size"].tolist() == [*SIZES] * (len(table) // len(SIZES))
    assert readable_groups(table)["actual"].iloc[0] == f"{certified['actual'].iloc[0]:.4g} ± 2e-10"


def test_directions_are_those_that_the_strategies_are_named_after(groups, monkeypatch):
    rows, expected = effects.read(groups[0]).to_pandas(), groups_table(groups)["direction"].tolist()
    names = {name: f"other_{i}" for i, name in enumerate(rows["strategy"].unique())}
    renamed = [row | {"strategy": names[row["strategy"]]} for row in effects.read(groups[0]).to_pylist()]
    effects.write(effects.table(renamed), groups[0])
    own = influential.strategy
    monkeypatch.setattr(influential_tables, "strategy", lambda *ranking: names[own(*ranking)])
    assert groups_table(groups)["direction"].tolist() == expected


def test_a_group_without_a_certificate_is_named_and_has_no_truth(groups, paths):
    table = groups_table(groups)
    assert uncertified(table) == ["first/base: test_loss, removal lowers it, 3 samples (iteration_limit)"]
    failed = table[table["status"] != "converged"]
    assert failed[["actual", "effect_error", "gradient_norm"]].isna().all(axis=None)
    assert failed[["if", "rif", "newton"]].notna().all(axis=None)
    write_table(table, readable_groups(table), paths, "Groups.")
    for form in FORMS:
        text = getattr(paths, form).read_text()
        assert "1e+06" not in text
        assert "1000000" not in text
    assert "not certified (iteration_limit)" in paths.md.read_text()


def test_no_groups_are_a_table_all_the_same(tmp_path, paths):
    effects.write(effects.table([]), tmp_path / "none.parquet")
    table = groups_table([tmp_path / "none.parquet"])
    write_table(table, readable_groups(table), paths, "Groups.")
    assert paths.csv.read_text().startswith("dataset,variant,evaluation,direction,size,if,rif,newton,actual,")
