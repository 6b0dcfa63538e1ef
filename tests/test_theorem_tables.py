"""Tables and figure of Theorem 3.1, from rows with known answers."""

import numpy as np
import pytest

from leaveout import result_rows
from leaveout.figures.style import save
from leaveout.figures.theorem import POINTS, shown_evaluation, theorem_figure
from leaveout.theorem import SCHEMA
from leaveout.theorem_tables import (
    BOUND_NAMES,
    OF_ALL,
    TABLES,
    constants_table,
    ratios_table,
    read_theorem,
)
from rows import RUN
from written import numbers

#: Bounds of a made-up difference of 1, and sizes of sets for which each is stated.
STATED = {"data_theorem": (100.0, 2), "theorem": (50.0, 4), "sharper": (20.0, 4), "row_sums": (5.0, 8)}
STATED |= {"spectral": (2.0, 16)}
SIZES = (1, 2, 4, 8, 16)


def made_up(own=True, evaluations=("test_prediction", "test_loss")):
    """Sets whose difference is that of their size over their bounds times; the published selection has absurd ones."""
    for strategy in ("random", "cluster_l2", "published_positive_test_loss"):
        for size in SIZES:
            for repeat, share in enumerate((0.5, 0.9, 1.0)):
                threshold = 4.5 if repeat else 5.0
                bounds = {f"{name}_bound": bound if size <= most else None for name, (bound, most) in STATED.items()}
                constants = {"c_l": 0.5, "c_r": 2.0, "epsilon": 0.1, "delta": 0.25 / threshold, "eta": 1.0}
                data = {"c_l": 1.0, "c_r": 4.0, "epsilon": 0.2, "delta": 0.05, "eta": 2.0, "threshold": 2.5}
                for evaluation in evaluations:
                    yield RUN | {
                        "own": own,
                        "regularizer": "per_sample" if own else "fixed",
                        "strategy": strategy,
                        "size": size,
                        "repeat": repeat,
                        "set_id": f"{strategy}-{size}-{repeat}",
                        "evaluation": evaluation,
                        **constants,
                        "threshold": threshold,
                        "applies": size < threshold,
                        **{f"data_{name}": value for name, value in data.items()},
                        "data_applies": size < 2.5,
                        "joint_leverage": 0.5,
                        "largest_leverage": 0.2,
                        "difference": -share if strategy[:9] != "published" else 1e6,
                        **bounds,
                    }


@pytest.fixture
def rows(tmp_path):
    both = [*made_up(), *made_up(own=False)]
    result_rows.write(result_rows.table(both, SCHEMA), tmp_path / "theorem.parquet")
    return read_theorem([tmp_path / "theorem.parquet"])


def test_sets_of_one_sample_and_the_published_selection_are_left_out(rows):
    assert set(rows["size"]) == {2, 4, 8, 16}
    assert set(rows["strategy"]) == {"random", "cluster_l2"}
    assert rows["observed"].max() == 1


def test_ratios_are_of_the_sets_that_a_bound_holds_for(rows):
    table = ratios_table(rows, 200, 0)
    assert len(table) == 2 * 2 * len(BOUND_NAMES)
    for row in table.to_dict("records"):
        bound, most = STATED[row["bound"]]
        assert row["sets"] == 2 * 4 * 3
        assert row["holds"] == 2 * 3 * sum(2 <= size <= most for size in SIZES)
        assert row["ratio"] == pytest.approx(0.9 / bound)
        assert row["worst"] == pytest.approx(1 / bound)
        assert 0.5 / bound <= row["ratio_low"] <= row["ratio"] <= row["ratio_high"] <= 1 / bound
        assert row["ratio_low"] < row["ratio_high"]


def test_a_bound_that_holds_for_no_set_has_no_ratio_and_a_bound_of_nothing_neither(rows):
    rows["theorem_bound"], rows["sharper_bound"] = np.nan, 0.0
    table = ratios_table(rows, 50, 0).set_index("bound")
    assert (table.loc["theorem", "holds"] == 0).all()
    assert (table.loc["sharper", "holds"] == 24).all()
    assert table.loc[["theorem", "sharper"], ["ratio", "ratio_low", "worst"]].isna().all(axis=None)
    assert "nan" not in TABLES["ratios"].readable(ratios_table(rows, 50, 0)).to_string(na_rep="-")


def test_constants_are_of_all_samples_first_and_then_of_sets_of_each_size(rows):
    table = constants_table(rows, 200, 0)
    own = table[table["own"]].set_index("size")
    assert own.index.tolist() == [100, 2, 4, 8, 16]
    assert own.loc[100, ["over", "threshold", "c_r", "delta"]].tolist() == [OF_ALL, 2.5, 4.0, 0.05]
    assert own["applies"].tolist() == [0, 6, 6, 0, 0]
    assert own["data_applies"].tolist() == [0, 6, 0, 0, 0]
    assert own["sets"].tolist() == [1, 6, 6, 6, 6]
    assert (own.loc[2, ["threshold_low", "threshold", "threshold_high"]].to_numpy() == [4.5, 4.5, 5.0]).all()


def test_sets_without_any_overlap_have_an_infinite_threshold(rows):
    rows["threshold"] = np.inf
    table = constants_table(rows, 50, 0)
    sets = table[table["over"] != OF_ALL]
    assert np.isinf(sets[["threshold", "threshold_low", "threshold_high"]]).all(axis=None)


@pytest.mark.parametrize("kind", TABLES)
def test_readers_see_the_runs_own_convention_alone_and_no_variant(rows, kind):
    table = TABLES[kind].table(rows, 50, 0)
    shown = TABLES[kind].readable(table)
    assert 0 < len(shown) < len(table)
    assert set(shown["regularizer"]) == {"per_sample"}
    assert not {"own", "variant"} & set(shown)
    assert len(TABLES[kind].table(rows[:0], 50, 0)) == len(TABLES[kind].readable(table[:0])) == 0


def test_the_figure_fills_sets_that_the_theorem_covers_and_shows_its_bounds_there(rows):
    upper, middle, lower = theorem_figure(rows, {"digits": "Digits"}).figure.axes
    filled, hollow, bounded = upper.collections
    assert len(filled.get_facecolors()) == 1
    assert len(hollow.get_facecolors()) == 0
    assert sorted(set(filled.get_offsets()[:, 0])) == [2, 4]
    assert sorted(set(hollow.get_offsets()[:, 0])) == [8, 16]
    assert sorted(set(bounded.get_offsets()[:, 0])) == [2, 4]
    assert set(bounded.get_offsets()[:, 1]) == {50}
    assert (upper.get_xscale(), upper.get_yscale(), middle.get_yscale()) == ("log", "log", "log")
    medians = dict(zip(STATED, middle.lines[:-1:2], strict=True))
    for name, line in medians.items():
        bound, most = STATED[name]
        assert line.get_xdata().tolist() == [size for size in SIZES if 2 <= size <= most]
        assert line.get_ydata() == pytest.approx(0.9 / bound)
    for name, line in zip(STATED, lower.lines, strict=True):
        assert line.get_ydata().tolist() == [float(size <= STATED[name][1]) for size in SIZES[1:]]


def test_the_figures_numbers_are_those_of_one_function_under_the_runs_own_convention(rows, tmp_path):
    drawing = theorem_figure(rows, {"digits": "Digits", "missing": "No rows"})
    assert list(drawing.points) == POINTS
    assert len(drawing.points) == 24
    assert set(drawing.points["evaluation"]) == {"test_prediction"}
    save(drawing, [tmp_path / "audit_theorem.png", tmp_path / "audit_theorem.csv"])
    assert not theorem_figure(rows[:0], {"digits": "Digits"}).points.size


@pytest.mark.parametrize(
    ("evaluations", "expected"),
    [(["test_loss", "test_prediction"], "test_prediction"), (["self_loss_plain"], "self_loss_plain"), ([], None)],
)
def test_the_figure_shows_the_first_function_that_figures_show(evaluations, expected):
    assert shown_evaluation(evaluations) == expected


def test_sets_without_a_step_are_counted_and_not_drawn(rows):
    rows.loc[rows["size"] == 16, "observed"] = np.nan
    figure = theorem_figure(rows, {"digits": "Digits"}).figure
    assert any("6 sets without a Newton step" in text.get_text() for text in figure.texts)


def test_where_no_set_has_a_step_tables_and_figure_say_so_and_show_nothing(rows, tmp_path):
    rows[["observed", *(f"{name}_bound" for name in STATED)]] = np.nan
    ratios = ratios_table(rows, 50, 0)
    assert (ratios["holds"] == 0).all()
    assert ratios[["ratio", "ratio_low", "ratio_high", "worst"]].isna().all(axis=None)
    for kind in TABLES.values():
        assert "nan" not in kind.readable(kind.table(rows, 50, 0)).to_string(na_rep="-")
    drawing = theorem_figure(rows, {"digits": "Digits"})
    assert numbers(drawing, tmp_path)["observed"].isna().all()
    assert any("24 sets without a Newton step" in text.get_text() for text in drawing.figure.texts)
    assert not any(len(dots.get_offsets()) for ax in drawing.figure.axes for dots in ax.collections)


def test_without_any_rows_tables_and_figure_are_empty_not_broken(rows, tmp_path):
    for kind in TABLES.values():
        assert kind.readable(kind.table(rows[:0], 50, 0)).empty
    assert numbers(theorem_figure(rows[:0], {"digits": "Digits"}), tmp_path).empty
