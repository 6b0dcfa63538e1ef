"""The calibration's statistics against other libraries, and intervals that cover."""

import numpy as np
import pytest
from scipy import stats
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from leaveout import calibration
from leaveout.calibration import Interval, calibrate, medians, resamples, statistics


def once(values):
    """Each set as it is: one sample that draws all of them once."""
    return np.ones((1, len(values)))


@pytest.fixture
def effects():
    generator = np.random.default_rng(0)
    actual = generator.normal(size=80)
    return actual, 0.7 * actual + 0.2 * generator.normal(size=80)


def test_statistics_are_those_of_other_libraries(effects):
    actual, predicted = effects
    found = {name: values[0] for name, values in statistics(actual, predicted, once(actual)).items()}
    line = LinearRegression(fit_intercept=False).fit(actual[:, None], predicted)
    assert found["slope"] == pytest.approx(line.coef_[0], rel=1e-12)
    assert found["r2"] == pytest.approx(r2_score(actual, predicted), rel=1e-12)
    assert found["spearman"] == pytest.approx(stats.spearmanr(actual, predicted).statistic, rel=1e-12)
    large = np.abs(actual) > np.quantile(np.abs(actual), 0.1)
    errors = np.abs(predicted - actual)[large] / np.abs(actual)[large]
    assert found["relative_error"] == pytest.approx(np.median(errors), rel=1e-12)


def test_a_perfect_prediction_is_perfect(effects):
    actual, _ = effects
    found = calibrate(actual, actual, resamples(np.array(["a"] * 80), 200, np.random.default_rng(0)))
    assert {name: (i.low, i.value, i.high) for name, i in found.items()} == {
        "slope": (1, 1, 1),
        "r2": (1, 1, 1),
        "spearman": (pytest.approx(1), pytest.approx(1), pytest.approx(1)),
        "relative_error": (0, 0, 0),
    }


def test_r2_can_be_negative(effects):
    actual, _ = effects
    assert statistics(actual, -actual, once(actual))["r2"][0] < 0


def test_resamples_keep_the_number_of_each_strategy():
    strategies = np.array(["a", "b", "a", "c", "b", "a"])
    for drawn in resamples(strategies, 50, np.random.default_rng(0)):
        assert sorted(np.repeat(strategies, drawn.astype(int))) == sorted(strategies)


def test_resamples_differ_and_draw_some_sets_more_than_once():
    drawn = resamples(np.array(["a"] * 30), 200, np.random.default_rng(0))
    assert drawn.shape == (200, 30)
    assert len(np.unique(drawn, axis=0)) == 200
    assert np.mean(drawn == 0) == pytest.approx(np.exp(-1), abs=0.02)
    assert drawn.mean(axis=0) == pytest.approx(np.ones(30), abs=0.3)


@pytest.mark.parametrize("decimals", [1, 8], ids=["with ties", "without"])
def test_a_set_that_is_drawn_twice_is_there_twice(effects, decimals):
    actual, predicted = (values.round(decimals) for values in effects)
    drawn = resamples(np.repeat(["a", "b"], 40), 300, np.random.default_rng(1))
    found = statistics(actual, predicted, drawn)
    for i, times in enumerate(drawn.astype(int)):
        x, y = np.repeat(actual, times), np.repeat(predicted, times)
        repeated = statistics(x, y, once(x))
        assert {name: values[i] for name, values in found.items()} == pytest.approx(
            {name: values[0] for name, values in repeated.items()}, rel=1e-12, nan_ok=True
        )
        assert found["spearman"][i] == pytest.approx(stats.spearmanr(x, y).statistic, rel=1e-12)
        large = np.abs(x) > np.quantile(np.abs(x), 0.1)
        errors = np.abs(y - x)[large] / np.abs(x)[large]
        assert found["relative_error"][i] == pytest.approx(np.median(errors), rel=1e-12)


def test_how_many_samples_are_computed_at_a_time_changes_nothing(effects, monkeypatch):
    drawn = resamples(np.array(["a"] * 80), 300, np.random.default_rng(0))
    whole = calibrate(*effects, drawn)
    monkeypatch.setattr(calibration, "SAMPLES", 7)
    parts = calibrate(*effects, drawn)
    for name, interval in whole.items():
        assert (parts[name].low, parts[name].high) == pytest.approx((interval.low, interval.high), rel=1e-12)


def test_the_interval_covers_the_slope_about_as_often_as_it_says():
    generator, covered = np.random.default_rng(1), 0
    for _ in range(200):
        actual = generator.normal(size=60)
        predicted = 0.8 * actual + 0.3 * generator.normal(size=60)
        interval = calibrate(actual, predicted, resamples(np.array(["a"] * 60), 300, generator))["slope"]
        covered += interval.low <= 0.8 <= interval.high
    assert 0.88 <= covered / 200 <= 0.99


def test_degenerate_effects_give_no_number_and_no_warning():
    nothing = np.zeros(5)
    found = calibrate(nothing, nothing, resamples(np.array(["a"] * 5), 100, np.random.default_rng(0)))
    assert all(np.isnan(interval.value) for interval in found.values())


def test_a_constant_effect_has_no_r2_however_it_is_rounded():
    actual = np.full(4, 0.1) * (1 + np.array([0, 1, 0, -1]) * 1e-16)
    assert np.isnan(statistics(actual, 2 * actual, once(actual))["r2"][0])


def test_limits_are_percentiles_of_the_resampled_statistics_that_there_are():
    resampled = np.append(np.arange(1001.0), [np.nan, np.nan])
    assert Interval.around(7, resampled).columns("share") == pytest.approx(
        {"share": 7, "share_low": 25, "share_high": 975}
    )


def test_limits_may_be_infinite_and_of_nothing_there_are_none():
    resampled = np.append(np.arange(900.0), np.full(101, np.inf))
    assert Interval.around(450, resampled, method="inverted_cdf").high == np.inf
    assert np.isnan(Interval.around(np.nan, np.full(3, np.nan)).low)


def test_of_no_values_there_is_no_median():
    assert np.isnan(medians(np.zeros(0), np.zeros((3, 0)))).tolist() == [True] * 3
