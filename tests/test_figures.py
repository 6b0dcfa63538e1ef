"""What all figures share, and Figures 1 and 4: what is drawn, told apart by all readers, in files fit for print."""

import itertools
import re

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from colorspacious import cspace_convert, deltaE
from matplotlib.colors import to_rgb
from PIL import Image

from leaveout import removal
from leaveout.comparison import Comparison, compare
from leaveout.effects import PREDICTIONS
from leaveout.figures.effects import effects_figure
from leaveout.figures.style import COLORS, MARKERS, METHODS, PANEL, limits, panels, save, scatter
from leaveout.plotted import NOT_PLOTTED
from rows import EVALUATIONS, study_rows, without_predictions

TITLES = {"digits": "Digits: odd vs even", "enron": "Enron: spam vs ham"}
PLOTTED = tuple(name for name in removal.STRATEGIES if name not in NOT_PLOTTED)
#: Superscripts as digits.
PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹", "-0123456789")
#: Distance in CAM02-UCS below which two colours are hard to name apart; 1 is just noticeable.
CLEAR = 10


@pytest.fixture(scope="module")
def comparison():
    return compare(study_rows(datasets=tuple(TITLES), strategies=PLOTTED))


@pytest.fixture(scope="module")
def drawing(comparison):
    return effects_figure(comparison, TITLES)


@pytest.fixture(scope="module")
def figure(drawing):
    return drawing.figure


def points(ax):
    """All points of a panel, sorted."""
    return sorted(map(tuple, np.vstack([drawn.get_offsets() for drawn in ax.collections]).tolist()))


def test_a_row_for_each_evaluation_and_a_column_for_each_data_set(figure, comparison):
    assert len(figure.axes) == len(EVALUATIONS) * len(TITLES)
    for ax, (evaluation, dataset) in zip(figure.axes, itertools.product(EVALUATIONS, TITLES), strict=True):
        pairs = comparison.pairs
        chosen = pairs[(pairs["evaluation"] == evaluation) & (pairs["dataset"] == dataset)]
        assert points(ax) == sorted(zip(chosen["actual"], chosen["predicted"], strict=True))
    assert [ax.get_title() for ax in figure.axes[: len(TITLES)]] == list(TITLES.values())


def test_both_axes_have_the_same_limits_and_the_diagonal_between_them(figure):
    for ax in figure.axes:
        assert ax.get_xlim() == ax.get_ylim()
        (diagonal,) = ax.lines
        assert list(diagonal.get_xdata()) == list(diagonal.get_ydata()) == list(ax.get_xlim())
        assert to_rgb(diagonal.get_color()) == (0, 0, 0)


def outside(ax):
    low, high = ax.get_xlim()
    return sum(not (low <= x <= high and low <= y <= high) for x, y in points(ax))


def test_points_outside_a_panel_are_counted_in_it(comparison):
    outliers = compare(study_rows(strategies=PLOTTED))
    outliers.pairs.loc[outliers.pairs.index[:3], "predicted"] = 1e9
    for given, titles in ((comparison, TITLES), (outliers, {"digits": "Digits"})):
        axes = effects_figure(given, titles).figure.axes
        notes = [" ".join(text.get_text() for text in ax.texts) for ax in axes]
        assert [int(note.split()[0]) if note else 0 for note in notes] == [outside(ax) for ax in axes]
        assert max(ax.get_ylim()[1] for ax in axes) < 1e3  # a few outliers do not squeeze the others
    assert sum(outside(ax) for ax in axes) == 3


def test_the_legend_explains_every_colour_and_marker_that_is_drawn(figure):
    (legend,) = figure.legends
    handles = {text.get_text(): handle for text, handle in zip(legend.get_texts(), legend.legend_handles, strict=True)}
    for method in PREDICTIONS:
        assert to_rgb(handles[METHODS[method]].get_color()) == to_rgb(COLORS[method])
    for strategy in PLOTTED:
        marker, label = MARKERS[strategy]
        assert handles[label].get_marker() == marker


def test_the_legend_leaves_out_strategies_that_are_not_drawn():
    (legend,) = effects_figure(compare(study_rows(strategies=("random",))), {"digits": "Digits"}).figure.legends
    labels = {text.get_text() for text in legend.get_texts()}
    assert labels & {label for _, label in MARKERS.values()} == {"random"}


def test_each_plotted_strategy_has_its_own_marker():
    assert set(MARKERS) == set(PLOTTED)
    assert len({marker for marker, _ in MARKERS.values()}) == len({label for _, label in MARKERS.values()}) == 7


def test_each_method_has_its_own_colour():
    assert set(COLORS) == set(METHODS) == set(PREDICTIONS)


@pytest.mark.parametrize("vision", ["normal", "deuteranomaly", "protanomaly", "tritanomaly"])
@pytest.mark.parametrize("pair", list(itertools.combinations(COLORS, 2)), ids="-".join)
def test_all_readers_tell_the_methods_apart(vision, pair):
    seen = [np.array(to_rgb(COLORS[method])) for method in pair]
    if vision != "normal":
        space = {"name": "sRGB1+CVD", "cvd_type": vision, "severity": 100}
        seen = [np.clip(cspace_convert(color, space, "sRGB1"), 0, 1) for color in seen]
    assert deltaE(*seen, input_space="sRGB1", uniform_space="CAM02-UCS") > CLEAR


def test_sets_that_are_not_certified_are_counted_and_not_drawn():
    comparison = compare(study_rows(uncertified=("random-2-0", "cluster_l2-5-0")))
    figure = effects_figure(comparison, {"digits": "Digits"}).figure
    assert "2 sets not certified, not drawn" in [text.get_text() for text in figure.texts]
    assert max(abs(x) for ax in figure.axes for point in points(ax) for x in point) < 1e3


def test_predictions_without_a_number_are_counted_and_not_drawn():
    rows = without_predictions(study_rows(), {("random-2-0", "rif"), ("cluster_l2-5-0", "newton")})
    figure = effects_figure(compare(rows), {"digits": "Digits"}).figure
    assert "2 predictions not computed" in [text.get_text() for text in figure.texts]
    assert sum(len(points(ax)) for ax in figure.axes) == len(EVALUATIONS) * (12 * len(PREDICTIONS) - 2)


def test_nothing_is_said_when_all_sets_are_certified(figure):
    assert not [text.get_text() for text in figure.texts if "certified" in text.get_text()]


FORMATS = ("pdf", "png", "svg", "csv")


@pytest.fixture(scope="module")
def saved(drawing, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    paths = [folder / f"figure1.{form}" for form in FORMATS]
    save(drawing, [str(path) for path in paths])
    return dict(zip(FORMATS, paths, strict=True))


def test_all_formats_are_what_their_endings_say(saved):
    assert saved["pdf"].read_bytes().startswith(b"%PDF-")
    assert saved["svg"].read_text().startswith("<?xml")
    with Image.open(saved["png"]) as image:
        assert image.format == "PNG"
        assert min(image.size) > 1000  # legible at print size
        assert image.getpixel((2, 2))[:3] == (255, 255, 255)


def test_the_pdf_embeds_its_fonts_as_type_42(saved):
    content = saved["pdf"].read_bytes()
    fonts = set(re.findall(rb"/Subtype /(Type3|Type0|Type1|TrueType|CIDFontType0|CIDFontType2)\b", content))
    assert fonts == {b"Type0", b"CIDFontType2"}  # how PDF names a TrueType font with all of Unicode
    assert b"/FontFile2" in content


def test_points_are_vectors_in_print(saved):
    assert b"/Subtype /Image" not in saved["pdf"].read_bytes()
    assert "<image" not in saved["svg"].read_text()


def test_the_csv_holds_every_point_with_its_key_and_nothing_else(saved, figure):
    table = pd.read_csv(saved["csv"])
    assert list(table) == ["dataset", "variant", "strategy", "set_id", "evaluation", "method", "actual", "predicted"]
    assert not table.duplicated(list(table)[:6]).any()
    drawn = [point for ax in figure.axes for point in points(ax)]
    assert sorted(drawn) == sorted(zip(table["actual"], table["predicted"], strict=True))


def test_the_csv_leaves_out_what_no_panel_shows(comparison):
    other = comparison.pairs.assign(evaluation="total_test_loss")
    mixed = Comparison(pd.concat([comparison.pairs, other]), [], [])
    assert set(effects_figure(mixed, TITLES).points["evaluation"]) == set(EVALUATIONS)
    assert set(effects_figure(mixed, {"enron": "Enron"}).points["dataset"]) == {"enron"}


def test_panels_have_the_same_size_whatever_stands_around_them():
    for counts, gaps in (([1], {}), ([3, 3, 3], {}), ([2, 6], {"above": 0.9}), ([2], {"between": 1.5, "below": 1.0})):
        figure, rows = panels(counts, **gaps)
        assert [len(row) for row in rows] == counts
        for ax in itertools.chain(*rows):
            sides = ax.get_position().size * figure.get_size_inches()
            assert sides == pytest.approx([PANEL, PANEL])


@pytest.mark.parametrize("factor", [1e-7, 1e-3, 1e-2, 1, 1e3, 1e5, 1e12])
def test_tick_labels_are_short_and_say_what_they_are(factor):
    figure, [[ax]] = panels([1])
    values = pd.Series([-0.31, 0.2, 0.97]) * factor
    pairs = pd.DataFrame({"method": "if", "actual": values, "predicted": values / 2})
    scatter(ax, pairs, pd.Series("o", index=pairs.index))
    figure.canvas.draw()
    notes = [text.get_text() for text in ax.texts]
    common = float(notes[0].replace("axes × 10", "1e").translate(PLAIN)) if notes else 1.0
    for axis in (ax.xaxis, ax.yaxis):
        labels = [label.get_text() for label in axis.get_ticklabels()]
        assert 3 <= len(labels) <= 6
        assert max(map(len, labels)) <= 5
        written = [float(label.replace("−", "-")) * common for label in labels]
        assert written == pytest.approx(list(axis.get_majorticklocs()))


def test_limits_hold_what_they_have_to():
    actual = np.append(np.linspace(0, 1, 1000), 50)
    assert limits(actual, actual)[1] < 2
    assert limits(actual, actual, np.array([50.0]))[1] > 50


def test_a_long_title_stays_on_the_page_and_off_its_neighbours(comparison):
    long = "A data set with a name that nobody can remember, and that goes on and on until the end of the page"
    figure = effects_figure(comparison, {"digits": long, "enron": long}).figure
    figure.draw_without_rendering()
    first, second = (ax.title.get_window_extent() for ax in figure.axes[:2])
    assert first.y1 <= figure.bbox.y1
    assert first.x1 < second.x0
    assert figure.axes[0].get_title().endswith("…")


def test_a_dollar_in_a_title_is_a_dollar(comparison, tmp_path):
    drawn = effects_figure(comparison, {"digits": r"$\wrong{ and $"})
    save(drawn, [tmp_path / "figure.png"])  # as mathematics it would be an error
    assert drawn.figure.axes[0].get_title() == r"$\wrong{ and $"


def test_the_same_figure_gives_the_same_bytes(saved, comparison, tmp_path):
    save(effects_figure(comparison, TITLES), [tmp_path / path.name for path in saved.values()])
    for path in saved.values():
        assert (tmp_path / path.name).read_bytes() == path.read_bytes()


def test_a_readers_own_style_does_not_leak_into_the_figures(comparison, tmp_path):
    save(effects_figure(comparison, TITLES), [tmp_path / "plain.png"])
    with mpl.rc_context({"font.size": 20, "lines.linewidth": 7, "axes.facecolor": "pink", "savefig.dpi": 30}):
        save(effects_figure(comparison, TITLES), [tmp_path / "styled.png"])
    assert (tmp_path / "styled.png").read_bytes() == (tmp_path / "plain.png").read_bytes()


def test_without_any_certified_set_the_figure_says_so_and_is_empty():
    names = {row["set_id"] for row in study_rows().to_pylist()}
    figure = effects_figure(compare(study_rows(uncertified=tuple(names))), {"digits": "Digits"}).figure
    assert f"{len(names)} sets not certified, not drawn" in [text.get_text() for text in figure.texts]
    assert not any(ax.collections for ax in figure.axes)
