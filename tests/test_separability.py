"""Slopes beside separability: the table takes the right rows, the figure draws them where they are."""

from dataclasses import asdict

import numpy as np
import pandas as pd
import pytest

from conftest import case
from leaveout.convention_tables import seeds_table
from leaveout.figures.separability import STATISTICS, separability_figure
from leaveout.figures.style import METHODS
from leaveout.model_file import FitSummary, read_summary, write_model
from leaveout.separability_tables import readable_separability, separability_table
from test_convention_tables import made_up
from written import numbers

FITS = {("made", "base"): FitSummary(100, 7, 0.9, 0.8, 0.02), ("other", "base"): FitSummary(50, 7, 0.7, 0.6, 0.2)}
TITLES = {"other": "Another", "made": "Made up"}


@pytest.fixture(scope="module")
def table():
    pairs = pd.concat([made_up(), made_up().assign(dataset="other", predicted=30.0)])
    return separability_table(seeds_table(pairs, 100, 0), FITS)


def test_a_fit_says_how_much_curvature_it_leaves(tmp_path):
    model = case(intercept="penalized").model
    write_model(model, 0.5, tmp_path / "fit.npz", tmp_path / "factor.npy")
    found = read_summary(tmp_path / "fit.npz")
    p = 1 / (1 + np.exp(-model.z))
    assert found.curvature == pytest.approx(np.mean(p * (1 - p)), rel=1e-12)
    assert found.training_accuracy == np.mean((p > 0.5) == (model.y == 1))
    assert found.test_accuracy == 0.5


def test_every_row_of_the_calibration_stands_beside_its_model(table):
    assert len(table) == 2 * 3
    for run, rows in table.groupby(["dataset", "variant"]):
        for name, value in asdict(FITS[run]).items():
            assert set(rows[name]) == {value}
    newton = table[(table["dataset"] == "made") & (table["method"] == "newton")].iloc[0]
    assert newton[["slope", "slope_low", "slope_high"]].tolist() == pytest.approx([1, 1, 1])


def test_readers_see_shares_in_percent_and_intervals(table):
    shown = readable_separability(table)
    assert shown["training_accuracy"].unique().tolist() == ["90.0", "70.0"]
    assert shown["curvature"].unique().tolist() == ["0.0200", "0.2000"]
    assert shown["slope"].str.contains(r"\[").all()


@pytest.mark.parametrize(("place", "statistic"), list(enumerate(STATISTICS)))
def test_statistics_are_drawn_at_the_curvature_that_their_model_leaves(table, place, statistic):
    drawing = separability_figure(table, TITLES, "a note")
    ax = drawing.figure.axes[place]
    (rif,) = [line for line in ax.lines if list(line.get_xdata()) == [0.02]]
    assert list(METHODS)[1] == "rif"  # the middle one
    expected = drawing.points[(drawing.points["dataset"] == "made") & (drawing.points["method"] == "rif")]
    assert rif.get_ydata().tolist() == expected[statistic].tolist()
    assert ax.get_xscale() == "log"
    low, high = ax.get_ylim()
    marked = {"^": 0, "o": 0}
    for line in ax.lines:
        if len(line.get_xdata()) == 1:
            marked[line.get_marker()] += 1
            assert low <= line.get_ydata()[0] <= high
    drawn = drawing.points[statistic]
    assert marked == {"^": (drawn > high).sum(), "o": (drawn <= high).sum()}


def test_data_sets_are_numbered_and_named(table):
    drawing = separability_figure(table, TITLES, "a note")
    first, second = drawing.figure.axes
    assert {text.get_text(): text.get_position()[0] for text in first.texts} == {"1": 0.2, "2": 0.02}
    assert not second.texts
    texts = " ".join(text.get_text() for text in drawing.figure.texts)
    assert "1: Another\n2: Made up\na note" in texts


def test_without_any_certified_set_the_figure_is_empty_not_broken(table, tmp_path):
    assert readable_separability(table.iloc[:0]).empty
    assert numbers(separability_figure(table.iloc[:0], TITLES), tmp_path).empty
