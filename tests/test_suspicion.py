"""Rankings by the rise of a sample's own loss, against the definition, certified retrains and scikit-learn."""

import numpy as np
import pyarrow as pa
import pytest
from numpy.testing import assert_allclose
from scipy import stats
from sklearn.metrics import roc_auc_score

import leaveout
from conftest import case, gaussian
from leaveout import blocks, result_rows
from leaveout.detection import detect, with_further
from leaveout.effects import RETRAIN
from leaveout.embeddings import Embeddings, Samples
from leaveout.errors import InvalidData
from leaveout.ranking import ranks
from leaveout.suspicion import METHODS, SCHEMA, actual_rises, own_changes, predicted_rises, rank_samples
from leaveout.suspicion_tables import STATISTICS, auroc, detection_table, mean_interval, suspects_table
from rows import LABELS
from tolerance import EXACT


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


def test_rank_one_rises_most_and_ties_are_broken_by_priority():
    rise = np.array([0.5, 2.0, 0.5, -1.0])
    assert ranks(rise, np.array([0, 1, 2, 3])).tolist() == [2, 1, 3, 4]
    assert ranks(rise, np.array([3, 2, 1, 0])).tolist() == [3, 1, 2, 4]


def ranked(retrained=5, planted=0, seed=0):
    solved = case(80, 6, intercept="penalized")
    samples = Samples(solved.X, solved.y, np.array([f"s{i:02d}" for i in range(80)], dtype=object))
    generator = np.random.default_rng(seed)
    return solved, rank_samples(solved.model, samples, planted, retrained, generator, LABELS | {"draw": 0})


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


def controls(retrained, planted=0, seed=0):
    rows = ranked(retrained, planted, seed)[1].to_pandas()
    return set(rows[rows["control"]]["id"])


def test_the_control_is_random_of_samples_that_are_not_planted_and_grows_with_its_size():
    assert controls(8) != controls(8, seed=1)
    assert controls(8) < controls(12)
    few = set().union(*(controls(10, planted=60, seed=seed) for seed in range(5)))
    assert few <= {f"s{i:02d}" for i in range(20)}
    assert len(few) > 10


def test_equal_samples_are_not_ranked_by_their_place():
    """Copies of one sample have the same rise: planted ones, which stand last, are neither first nor last by that."""
    X, y = np.tile([[1.0, 0.5], [0.5, -1.0]], (30, 1)), np.tile([1.0, 0.0], 30)
    y[:6] = 1 - y[:6]
    model = leaveout.fit(X, y, 1e-2)
    samples = Samples(X, y, np.arange(60).astype(str).astype(object))
    found = rank_samples(model, samples, 20, 3, np.random.default_rng(0), LABELS | {"draw": 0}).to_pandas()
    rif = found[found["method"] == "rif"]
    assert rif["effect"].round(9).nunique() == 2
    for _, equal in rif.groupby(rif["effect"].round(9)):
        if equal["planted"].any():
            assert not equal.sort_values("rank")["planted"].is_monotonic_increasing


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
    for rise in (generator.normal(size=50), generator.integers(5, size=50).astype(float)):  # with ties too
        planted = generator.random(50) < 0.3
        assert auroc(rise, planted) == pytest.approx(roc_auc_score(planted, rise))


def test_intervals_are_students():
    values = np.array([0.1, 0.4, 0.2, 0.6, 0.3])
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    assert_allclose(mean_interval(values), [values.mean(), expected.low, expected.high])
    assert mean_interval(np.array([0.5, np.nan]))[0] == 0.5
    assert np.isnan(mean_interval(np.array([np.nan]))).all()
    assert mean_interval(np.array([1.0, 0.9, 1.0]), 0.0, 1.0)[2] == 1.0


def draws_of(n=300, d=8, **settings):
    X, y = gaussian(n + 100, d, seed=5, spread=3)
    names = np.array([f"sample {i}" for i in range(n + 100)], dtype=object)
    embeddings = Embeddings(Samples(X[:n], y[:n], names[:n]), Samples(X[n:], y[n:], names[n:]))
    clean = leaveout.fit(X[:n], y[:n], 1e-3)
    given = {"planted": 10, "retrained": 12} | settings
    labels = LABELS | {"n_train": n}
    draws = [detect(clean, embeddings, given, (0, "d", draw), "cpu", labels) for draw in range(3)]
    return pa.concat_tables(draws), y, names


def test_planted_samples_are_test_samples_with_the_wrong_label():
    rows, y, names = draws_of()
    frame = rows.to_pandas()
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
    assert not frame[frame["control"]]["planted"].any()
    assert len(set(frame[frame["control"]].groupby("draw")["id"].agg(frozenset))) == 3


def test_the_control_does_not_depend_on_how_many_are_planted():
    few, many = (draws_of(planted=planted)[0].to_pandas() for planted in (5, 10))
    for draw in range(3):
        first, second = (set(rows[rows["control"] & (rows["draw"] == draw)]["id"]) for rows in (few, many))
        assert first == second


@pytest.mark.parametrize("shape", [(60, 7), (40, 90)])
def test_a_fit_with_further_samples_begins_at_its_optimum(shape, intercept):
    solved = case(*shape, intercept=intercept)
    X, y = gaussian(9, shape[1], seed=9)
    start = with_further(solved.model, X, 1 - y)
    together = leaveout.fit(np.vstack([solved.X, X]), np.append(solved.y, 1 - y), 1e-3, intercept=intercept)
    assert_allclose(start, together.theta, rtol=1e-8, atol=1e-10)


def test_draws_that_would_share_most_of_their_samples_are_refused():
    with pytest.raises(InvalidData, match=r"poisoning.planted = 51, but there are 100 .*half of them, 50"):
        draws_of(planted=51)


def top_of(draw, method):
    """Slope through the origin of predicted on actual rises, and mean actual rise, of the first twelve: row by row."""
    actual = {row.id: row.effect for row in draw.itertuples() if row.method == RETRAIN}
    first = [row for row in draw.itertuples() if row.method == method and row.rank <= 12]
    pairs = [(actual[row.id], row.effect) for row in first]
    slope = sum(x * y for x, y in pairs) / sum(x * x for x, _ in pairs)
    return slope, sum(x for x, _ in pairs) / 12


def test_planted_samples_come_first_and_the_table_says_how_well():
    rows, *_ = draws_of()
    found = detection_table(rows).set_index("ranking")
    assert found.index.tolist() == ["if", "rif", "rif - if", "control"]
    frame = rows.to_pandas()
    for method in METHODS:
        part = frame[frame["method"] == method]
        each = [roc_auc_score(draw["planted"], draw["effect"]) for _, draw in part.groupby("draw")]
        assert found.loc[method, "auroc"] == pytest.approx(np.mean(each))
        recall = [draw.loc[draw["rank"] <= 10, "planted"].sum() / 10 for _, draw in part.groupby("draw")]
        assert found.loc[method, "recall"] == pytest.approx(np.mean(recall))
        assert found.loc[method, "auroc"] > 0.8
        slopes, tops = zip(*(top_of(draw, method) for _, draw in frame.groupby("draw")), strict=True)
        assert found.loc[method, "slope"] == pytest.approx(np.mean(slopes))
        assert found.loc[method, "top_rise"] == pytest.approx(np.mean(tops))
        assert found.loc[method, "top_rise"] > found.loc["control", "top_rise"]
        assert found.loc[method, "certified"] == found.loc[method, "retrained"] == 36
    for name in STATISTICS:
        assert found.loc["rif - if", name] == pytest.approx(found.loc["rif", name] - found.loc["if", name])
    assert (found.loc["rif", "planted"], found.loc["rif", "draws"]) == (10, 3)


def test_retrains_that_are_not_certified_do_not_count():
    table, *_ = draws_of()
    rows = table.to_pylist()
    worst = max((row for row in rows if row["method"] == RETRAIN and not row["control"]), key=lambda row: row["effect"])
    reference = detection_table(table).set_index("ranking")
    worst |= {"status": "iteration_limit", "effect": 1e6}
    found = detection_table(result_rows.table(rows, SCHEMA)).set_index("ranking")
    assert found.loc["rif", "certified"] == reference.loc["rif", "certified"] - 1
    assert found.loc["rif", "top_rise"] < reference.loc["rif", "top_rise"]
