"""Figure 2: each run in its panel, in the order of its values."""

import pandas as pd
import pyarrow as pa
import pytest

from leaveout.comparison import compare
from leaveout.figures.style import save
from leaveout.figures.sweep import VARIANTS, sweep_figure, swept_evaluation
from rows import study_rows

SIZES = {"n_train=20": 20, "n_train=50": 50, "base": 100}
LAMBDAS = {"base": 1e-5, "regularization=0.001": 1e-3}
SWEEPS = [
    {"dataset": "imdb", "settings": ["n_train"], "variants": list(SIZES)},
    {"dataset": "dogfish", "settings": ["regularization"], "variants": list(LAMBDAS)},
]
TITLES = {"imdb": "IMDB*", "dogfish": "Dogfish"}


def swept_rows(**options):
    """Rows of both sweeps, with the values that their variants are named after."""
    parts = []
    for dataset, column, values in (("imdb", "n_train", SIZES), ("dogfish", "regularization", LAMBDAS)):
        rows = study_rows(datasets=(dataset,), variants=tuple(values), evaluations=("self_loss",), **options)
        named = pa.array([values[variant] for variant in rows["variant"].to_pylist()], rows.schema.field(column).type)
        parts.append(rows.set_column(rows.schema.get_field_index(column), rows.schema.field(column), named))
    return pa.concat_tables(parts)


def drawn(rows, sweeps=SWEEPS):
    return sweep_figure(compare(rows, key=VARIANTS), sweeps, TITLES, "self_loss")


@pytest.fixture(scope="module")
def drawing():
    return drawn(swept_rows())


def points(ax):
    return sorted(tuple(point) for drawn in ax.collections for point in drawn.get_offsets().tolist())


def test_a_row_for_each_sweep_and_a_panel_for_each_run_in_the_order_of_the_values(drawing):
    axes = drawing.figure.axes
    assert [ax.get_title() for ax in axes] == ["n = 20", "n = 50", "n = 100", "λ = 1e-05", "λ = 0.001"]
    tops = [round(ax.get_position().y1, 6) for ax in axes]
    assert len(set(tops)) == 2
    assert tops[:3] == [max(tops)] * 3
    assert [ax.get_ylabel().split("\n")[0] for ax in axes if ax.get_ylabel()] == ["IMDB*", "Dogfish"]


def test_each_panel_shows_its_own_run(drawing):
    pairs = compare(swept_rows(), key=VARIANTS).pairs
    places = [(sweep["dataset"], variant) for sweep in SWEEPS for variant in sweep["variants"]]
    for ax, (dataset, variant) in zip(drawing.figure.axes, places, strict=True):
        chosen = pairs[(pairs["dataset"] == dataset) & (pairs["variant"] == variant)]
        assert points(ax) == sorted(zip(chosen["actual"], chosen["predicted"], strict=True))
        assert len(chosen)


def test_the_lowest_panel_of_each_column_says_what_its_axis_is(drawing):
    assert [bool(ax.get_xlabel()) for ax in drawing.figure.axes] == [False, False, True, True, True]


def test_combinations_are_joined_in_the_title():
    sweeps = [{"dataset": "imdb", "settings": ["n_train", "regularizer"], "variants": ["n_train=20"]}]
    (ax,) = drawn(swept_rows(), sweeps).figure.axes
    assert ax.get_title() == "n = 20, regulariser per_sample"


def test_a_run_that_two_sweeps_share_is_in_both_and_its_numbers_too():
    sweeps = [SWEEPS[1], {**SWEEPS[1], "variants": ["base"]}]
    shared = drawn(swept_rows(), sweeps)
    counted = shared.points.groupby(["row", "variant"]).size()
    assert counted[1, "base"] == counted[2, "base"] == counted[1, "regularization=0.001"]
    assert points(shared.figure.axes[0]) == points(shared.figure.axes[2])


def test_the_csv_tells_all_points_apart(drawing, tmp_path):
    save(drawing, [tmp_path / "figure2.csv"])
    table = pd.read_csv(tmp_path / "figure2.csv")
    assert not table.duplicated(["row", "dataset", "variant", "strategy", "set_id", "method"]).any()
    assert {"n_train", "regularization", "regularizer", "intercept", "actual", "predicted"} <= set(table)
    assert sorted(zip(table["actual"], table["predicted"], strict=True)) == sorted(
        point for ax in drawing.figure.axes for point in points(ax)
    )
    imdb = table[table["dataset"] == "imdb"]
    assert imdb["n_train"].tolist() == imdb["variant"].map(SIZES).tolist()


def test_a_run_without_any_certificate_has_an_empty_panel_under_its_own_name():
    rows = swept_rows(uncertified=tuple(f"{name}-{i}-0" for name in ("random", "cluster_l2") for i in range(1, 7)))
    drawing = drawn(rows)
    assert [ax.get_title() for ax in drawing.figure.axes] == [*SIZES, *LAMBDAS]
    assert not any(points(ax) for ax in drawing.figure.axes)
    assert any("60 sets not certified" in text.get_text() for text in drawing.figure.texts)


@pytest.mark.parametrize(
    ("evaluations", "expected"),
    [
        (["test_loss", "self_loss", "test_prediction"], "self_loss"),
        (["self_loss_plain", "test_loss", "test_prediction"], "test_prediction"),
        (["total_test_loss", "test_loss"], "test_loss"),
    ],
)
def test_the_figure_shows_the_self_loss_if_it_can(evaluations, expected):
    assert swept_evaluation(evaluations) == expected
