"""Figure 3: the poisons' own logits, and the sample behind the leftmost point."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from leaveout.comparison import POISONS, compare
from leaveout.exhibits import Exhibit
from leaveout.figures.poisoning import leftmost, poisoning_figure
from leaveout.figures.style import save
from rows import poisoning_rows


def shown(name="digits-0003"):
    return Exhibit("images", np.zeros((8, 8)), name, "1, 3, 5, …", "4")


@pytest.fixture(scope="module")
def comparison():
    return compare(poisoning_rows(), key=POISONS)


def points(ax):
    return sorted(tuple(point) for drawn in ax.collections for point in drawn.get_offsets().tolist())


def test_the_leftmost_point_is_the_certified_one_with_the_smallest_change(comparison):
    pairs = comparison.pairs
    name, label = leftmost(pairs)
    assert pairs.loc[pairs["id"] == name, "actual"].iloc[0] == pairs["actual"].min()
    assert set(pairs.loc[pairs["id"] == name, "y"]) == {label}
    failed = compare(poisoning_rows(uncertified=(name,)), key=POISONS)
    assert leftmost(failed.pairs)[0] != name  # its change of -1e6 counts for nothing


def test_every_certified_poison_is_drawn_and_the_shown_one_ringed(comparison):
    drawing = poisoning_figure(comparison, shown(), "Digits")
    left, right = drawing.figure.axes
    pairs = comparison.pairs
    assert points(right) == sorted(zip(pairs["actual"], pairs["predicted"], strict=True))
    ring = right.lines[-1]
    marked = pairs[pairs["id"] == "digits-0003"]
    assert list(ring.get_xdata()) == marked["actual"].tolist()
    assert list(ring.get_ydata()) == marked["predicted"].tolist()
    assert left.images


def test_the_shown_sample_is_inside_the_panel_however_far_it_is():
    rows = poisoning_rows(samples=300).to_pandas()
    rows.loc[rows["id"] == "digits-0003", "effect"] *= 1000
    drawing = poisoning_figure(compare(pa.Table.from_pandas(rows), key=POISONS), shown(), "Digits")
    right = drawing.figure.axes[1]
    low, high = right.get_xlim()
    assert all(low < x < high for x in [*right.lines[-1].get_xdata(), *right.lines[-1].get_ydata()])


def test_the_csv_has_a_row_for_each_poison_and_estimator(comparison, tmp_path):
    save(poisoning_figure(comparison, shown(), "Digits"), [tmp_path / "figure3.csv"])
    table = pd.read_csv(tmp_path / "figure3.csv")
    assert list(table) == ["dataset", "variant", "id", "y", "method", "actual", "predicted"]
    assert table.groupby("id")["method"].apply(sorted).tolist() == [["if", "rif"]] * 12


def test_poisons_without_a_certificate_are_named_and_counted_and_not_drawn():
    comparison = compare(poisoning_rows(uncertified=("digits-0001", "digits-0005")), key=POISONS)
    assert comparison.uncertified == [
        "digits/base: digits-0001 (iteration_limit)",
        "digits/base: digits-0005 (iteration_limit)",
    ]
    drawing = poisoning_figure(comparison, shown(), "Digits")
    assert not {"digits-0001", "digits-0005"} & set(drawing.points["id"])
    assert any("2 samples not certified, not drawn" in text.get_text() for text in drawing.figure.texts)


def test_without_any_certificate_there_is_nothing_to_show(tmp_path):
    names = tuple(f"digits-{i:04d}" for i in range(12))
    comparison = compare(poisoning_rows(uncertified=names), key=POISONS)
    assert leftmost(comparison.pairs) is None
    drawing = poisoning_figure(comparison, None, "Digits")
    save(drawing, [tmp_path / "figure3.png", tmp_path / "figure3.csv"])
    assert not drawing.figure.axes[0].axison
    assert len(pd.read_csv(tmp_path / "figure3.csv")) == 0
