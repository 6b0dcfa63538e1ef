"""Rankings by the rise of a sample's own loss, against the definition, certified retrains and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.metrics import roc_auc_score

import leaveout
from conftest import case, gaussian
from leaveout import blocks, result_rows
from leaveout.detection import detect
from leaveout.effects import RETRAIN
from leaveout.embeddings import Embeddings, Samples
from leaveout.suspicion import METHODS, SCHEMA, actual_rises, own_changes, predicted_rises, rank_samples, ranks
from leaveout.suspicion_tables import STATISTICS, auroc, detection_table, mean_interval, suspects_table
from tolerance import EXACT

LABELS = {
    "study": "s",
    "dataset": "d",
    "variant": "base",
    "regularization": 1e-3,
    "regularizer": "per_sample",
    "intercept": "penalized",
    "n_train": 80,
}


def plain_loss(dense, theta, i):
    z = dense.X[i] @ theta
    return float(np.logaddexp(0, z) - dense.y[i] * z)


@pytest.mark.parametrize("method", METHODS)
def test_own_changes_are_the_diagonal_of_what_each_removal_changes(solved, method):
    theta, n = solved.dense.optimum().astype(float), len(solved.y)
    expected = [solved.dense.X[i] @ solved.dense.influence(theta, [i], method) for i in range(n)]
    assert_allclose(own_changes(solved.model, method), expected, rtol=EXACT, atol=1e-11)


@pytest.mark.parametrize("method", METHODS)
def test_rises_are_differences_of_losses(solved, method):
    theta, n = solved.dense.optimum().astype(float), len(solved.y)
    expected = [
        plain_loss(solved.dense, theta + solved.dense.influence(theta, [i], method), i)
        - plain_loss(solved.dense, theta, i)
        for i in range(n)
    ]
    assert_allclose(predicted_rises(solved.model, method), expected, rtol=1e-8, atol=1e-11)


def test_actual_rises_are_those_of_extended_precision_within_their_bounds(solved):
    samples = np.arange(1, len(solved.y), 9)
    found, rise, error = actual_rises(solved.model, samples)
    assert found.certified.all()
    before = solved.dense.optimum()
    for j, i in enumerate(samples):
        expected = plain_loss(solved.dense, solved.dense.optimum([i]), i) - plain_loss(solved.dense, before, i)
        assert abs(rise[j] - expected) <= error[j] + 1e-14
        assert error[j] <= 1e-6 * abs(expected) + 1e-9


def test_the_work_may_be_cut_anywhere(monkeypatch):
    solved = case(60, 7)
    samples = np.arange(0, 60, 5)
    whole = actual_rises(solved.model, samples)
    monkeypatch.setattr(blocks, "BLOCK_BYTES", 1)
    cut = actual_rises(solved.model, samples)
    assert_allclose(cut[1], whole[1], rtol=1e-9)
    assert cut[0].status.tolist() == whole[0].status.tolist()


def test_the_last_sample_of_a_class_has_no_truth():
    X, y = gaussian(50, 3, seed=2)
    y[:] = 0
    y[7] = 1
    model = leaveout.fit(X, y, 1e-2, intercept="unpenalized")
    found, rise, _ = actual_rises(model, np.array([6, 7]))
    assert found.status.tolist() == ["converged", "not_removable"]
    assert np.isfinite(rise).tolist() == [True, False]


def test_rank_one_rises_most_and_ties_keep_their_order():
    assert ranks(np.array([0.5, 2.0, 0.5, -1.0])).tolist() == [2, 1, 3, 4]


def ranked(retrained=5, planted=0, seed=0):
    solved = case(80, 6, intercept="penalized", seed=seed)
    known = np.arange(80) >= 80 - planted
    ids = [f"s{i:02d}" for i in range(80)]
    found = rank_samples(solved.model, ids, known, retrained, np.random.default_rng(0), LABELS | {"draw": 0})
    return solved, result_rows.table(found, SCHEMA)


def test_all_samples_are_ranked_and_the_truth_is_known_at_the_top_and_for_a_control():
    solved, table = ranked()
    rows = table.to_pandas()
    for method in METHODS:
        part = rows[rows["method"] == method]
        assert part["id"].tolist() == [f"s{i:02d}" for i in range(80)]
        assert sorted(part["rank"]) == list(range(1, 81))
        assert_allclose(part["effect"], predicted_rises(solved.model, method))
        assert (part.sort_values("rank")["effect"].diff().dropna() <= 0).all()
    truth = rows[rows["method"] == RETRAIN]
    top = {name for method in METHODS for name in rows[(rows["method"] == method) & (rows["rank"] <= 5)]["id"]}
    assert set(truth["id"]) == top | set(rows[rows["control"]]["id"])
    assert truth["control"].sum() == 5
    assert truth["rank"].isna().all()
    assert set(truth["status"]) == {"converged"}


def test_suspects_are_the_top_of_the_rescaled_ranking_beside_the_truth():
    _, table = ranked()
    rows, found = table.to_pandas(), suspects_table(table)
    assert found["rank"].tolist() == [1, 2, 3, 4, 5]
    for sample in found.to_dict("records"):
        own = rows[rows["id"] == sample["id"]].set_index("method")
        assert (sample["rif"], sample["if"]) == (own.loc["rif", "effect"], own.loc["if", "effect"])
        assert (sample["actual"], sample["if_rank"]) == (own.loc[RETRAIN, "effect"], own.loc["if", "rank"])


def test_a_suspect_whose_retrain_is_not_certified_has_no_actual_rise():
    _, table = ranked()
    rows = table.to_pandas()
    name = rows[(rows["method"] == "rif") & (rows["rank"] == 2)]["id"].item()
    rows.loc[(rows["id"] == name) & (rows["method"] == RETRAIN), "status"] = "iteration_limit"
    found = suspects_table(to_table(rows)).set_index("rank")
    assert np.isnan(found.loc[2, "actual"])
    assert found.loc[2, "status"] == "iteration_limit"
    assert found["actual"].notna().sum() == 4


def to_table(rows):
    cleaned = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return result_rows.table(cleaned, SCHEMA)


@pytest.mark.parametrize("seed", range(3))
def test_auroc_is_scikit_learns(seed):
    generator = np.random.default_rng(seed)
    rise, planted = generator.normal(size=50), generator.random(50) < 0.3
    assert auroc(ranks(rise)[planted], 50) == pytest.approx(roc_auc_score(planted, rise))


def test_intervals_are_students():
    values = np.array([0.1, 0.4, 0.2, 0.6, 0.3])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert_allclose(mean_interval(values), [values.mean(), expected.low, expected.high])
    assert mean_interval(np.array([0.5, np.nan]))[0] == 0.5
    assert np.isnan(mean_interval(np.array([np.nan]))).all()


def draws_of(n=300, d=8, **settings):
    X, y = gaussian(n + 100, d, seed=5, spread=3)
    names = np.array([f"sample {i}" for i in range(n + 100)], dtype=object)
    embeddings = Embeddings(Samples(X[:n], y[:n], names[:n]), Samples(X[n:], y[n:], names[n:]))
    clean = leaveout.fit(X[:n], y[:n], 1e-3)
    given = {"planted": 10, "draws": 3, "retrained": 12} | settings
    return list(detect(clean, embeddings, given, 0, "cpu", LABELS | {"n_train": n})), y, names


def test_planted_samples_are_test_samples_with_the_wrong_label():
    rows, y, names = draws_of()
    frame = pd.DataFrame(rows)
    label = dict(zip(names, y, strict=True))
    for _, draw in frame[frame["method"] == "rif"].groupby("draw"):
        assert len(draw) == 310
        planted = draw[draw["planted"]]
        assert len(set(planted["id"])) == 10
        assert set(planted["id"]) <= set(names[300:])
        assert all(row.y == 1 - label[row.id] for row in planted.itertuples())
        assert all(row.y == label[row.id] for row in draw[~draw["planted"]].itertuples())
    sets = frame[frame["planted"]].groupby("draw")["id"].agg(frozenset)
    assert len(set(sets)) == 3
    # more draws leave the first ones as they are
    assert draws_of(draws=1)[0] == [row for row in rows if row["draw"] == 0]


def test_planted_samples_come_first_and_the_table_says_how_well():
    rows, *_ = draws_of()
    found = detection_table(result_rows.table(rows, SCHEMA)).set_index("ranking")
    assert found.index.tolist() == ["if", "rif", "rif - if", "control"]
    frame = pd.DataFrame(rows)
    for method in METHODS:
        part = frame[frame["method"] == method]
        each = [roc_auc_score(draw["planted"], -draw["rank"]) for _, draw in part.groupby("draw")]
        assert found.loc[method, "auroc"] == pytest.approx(np.mean(each))
        recall = [draw.loc[draw["rank"] <= 10, "planted"].sum() / 10 for _, draw in part.groupby("draw")]
        assert found.loc[method, "recall"] == pytest.approx(np.mean(recall))
        assert found.loc[method, "auroc"] > 0.8
        assert found.loc[method, "top_rise"] > found.loc["control", "top_rise"]
        assert found.loc[method, "certified"] == found.loc[method, "retrained"] == 36
    for name in STATISTICS:
        assert found.loc["rif - if", name] == pytest.approx(found.loc["rif", name] - found.loc["if", name])
    assert (found.loc["rif", "planted"], found.loc["rif", "draws"]) == (10, 3)


def test_retrains_that_are_not_certified_do_not_count():
    rows, *_ = draws_of()
    worst = max((row for row in rows if row["method"] == RETRAIN and not row["control"]), key=lambda row: row["effect"])
    reference = detection_table(result_rows.table(rows, SCHEMA)).set_index("ranking")
    worst |= {"status": "iteration_limit", "effect": 1e6}
    found = detection_table(result_rows.table(rows, SCHEMA)).set_index("ranking")
    assert found.loc["rif", "certified"] == reference.loc["rif", "certified"] - 1
    assert found.loc["rif", "top_rise"] < reference.loc["rif", "top_rise"]
