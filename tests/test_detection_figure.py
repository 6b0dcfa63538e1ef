"""Figure `detection`: curves that count what they say, and the retrained samples behind the rankings."""

import numpy as np
import pandas as pd
import pytest

from leaveout.comparison import SUSPECTS, compare
from leaveout.figures.detection import OTHERS, PLANTED, detection_figure, found_curves
from leaveout.figures.style import save
from rows import detection_rows

#: Ranks of four planted samples among 20, in three draws.
ORDERS = [
    {"if": [1, 2, 10, 20], "rif": [1, 2, 3, 4]},
    {"if": [5, 6, 7, 20], "rif": [1, 2, 3, 5]},
    {"if": [1, 18, 19, 20], "rif": [2, 3, 4, 5]},
]


@pytest.fixture(scope="module")
def rows():
    return detection_rows(ORDERS, n=16, retrained=(0, 1, 5, 6))


@pytest.fixture(scope="module")
def drawing(rows):
    return detection_figure(rows, compare(rows, key=SUSPECTS), "Digits")


def at(curves, method, inspected):
    """What a curve says at a number of inspected samples: its last point up to there."""
    curve = curves[(curves["method"] == method) & (curves["inspected"] <= inspected)]
    return curve.sort_values("inspected").iloc[-1] if len(curve) else None


@pytest.mark.parametrize("method", ["if", "rif"])
@pytest.mark.parametrize("inspected", range(1, 21))
def test_curves_count_the_planted_samples_among_the_first(rows, method, inspected):
    shares = [sum(rank <= inspected for rank in draw[method]) / 4 for draw in ORDERS]
    point = at(found_curves(rows), method, inspected)
    assert point["found"] == pytest.approx(np.mean(shares))
    assert (point["found_low"], point["found_high"]) == (min(shares), max(shares))


def test_a_random_order_finds_its_share(rows):
    chance = found_curves(rows).query("method == 'random'")
    assert chance["found"].tolist() == pytest.approx((chance["inspected"] / 20).tolist())
    assert (chance["inspected"].min(), chance["inspected"].max()) == (1, 20)


def test_curves_hold_no_point_that_says_nothing_new(rows):
    curves = found_curves(rows)
    for method in ("if", "rif"):
        curve = curves[curves["method"] == method].iloc[:-1]  # the last is that of all samples
        values = curve[["found", "found_low", "found_high"]]
        assert (values.diff().iloc[1:] != 0).any(axis=1).all()
    assert len(found_curves(detection_rows(ORDERS, n=5000))) < 200


def test_what_is_drawn_on_the_left_are_the_curves(drawing, rows):
    left = drawing.figure.axes[0]
    curves = found_curves(rows)
    drawn = {len(line.get_xdata()): line for line in left.lines}
    for _, curve in curves.groupby("method"):
        line = drawn[len(curve)]
        assert list(line.get_xdata()) == curve["inspected"].tolist()
        assert list(line.get_ydata()) == curve["found"].tolist()
    assert left.get_xscale() == "log"
    assert left.get_xlim() == (1, 20)
    assert any(set(line.get_xdata()) == {4} for line in left.lines)  # as many inspected as planted


def test_planted_samples_have_a_marker_of_their_own(drawing):
    right = drawing.figure.axes[1]
    pairs = drawing.points[drawing.points["panel"] == "effects"]
    assert len(pairs) == 2 * 3 * 4  # estimators, draws, retrained
    sizes = sorted(len(drawn.get_offsets()) for drawn in right.collections)
    expected = sorted(pairs.groupby(["method", "planted"]).size())
    assert sizes == expected
    assert PLANTED != OTHERS


def test_the_csv_tells_all_points_apart(drawing, tmp_path):
    save(drawing, [tmp_path / "detection.csv"])
    table = pd.read_csv(tmp_path / "detection.csv")
    samples = table[table["panel"] == "effects"]
    assert not samples.duplicated(["method", "dataset", "variant", "draw", "id"]).any()
    assert samples[["planted", "control", "actual", "predicted"]].notna().all(axis=None)
    curves = table[table["panel"] == "found"]
    assert not curves.duplicated(["method", "inspected"]).any()
    assert set(curves["method"]) == {"if", "rif", "random"}


def test_samples_without_a_certificate_are_named_by_draw_and_not_drawn():
    rows = detection_rows(ORDERS, n=16, retrained=(0, 1), uncertified=("sample-1",))
    comparison = compare(rows, key=SUSPECTS)
    assert comparison.uncertified == [f"digits/base/{draw}: sample-1 (iteration_limit)" for draw in range(3)]
    drawing = detection_figure(rows, comparison, "Digits")
    assert set(drawing.points["id"].dropna()) == {"sample-0"}
    assert any("3 samples not certified" in text.get_text() for text in drawing.figure.texts)


def test_the_figure_says_how_many_were_planted_and_how_often(drawing):
    assert drawing.figure.axes[0].get_title() == "4 planted, 3 draws"
