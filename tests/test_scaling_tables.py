"""Exponents in the table are those of the rows; the figure shows every cell of them."""

import itertools

import numpy as np
import pandas as pd
import pytest

from leaveout import result_rows, scaling
from leaveout.figures.scaling import scaling_figure
from leaveout.random_sizes import removed_sizes
from leaveout.scaling import SYNTHETIC
from leaveout.scaling_tables import GAPS, form, read_scaling, readable_scaling, scaling_table, uncertified
from rows import LABELS
from written import numbers

#: A law that none of the theories has.
LAW = {"k": 0.7, "n": -1.2, "d": 0.4}
NOISE = 0.05


def rows(dataset=SYNTHETIC, samples=(100, 200, 400), parameters=(4, 8), designs=2, draws=3, law=LAW):
    """Rows whose gaps follow a power law, or the theory's form where there is none."""
    generator = np.random.default_rng(0)
    for n, d, design in itertools.product(samples, parameters, range(designs)):
        labels = LABELS | {"dataset": dataset, "variant": f"n{n}-d{d}-{design}", "n_train": n, "d": d, "design": design}
        for k, draw in itertools.product(removed_sizes(n), range(draws)):
            noise = np.exp(NOISE * generator.normal())
            gaps = {
                gap: 3 * noise * (k ** law["k"] * n ** law["n"] * d ** law["d"] if law else form(gap, k, n, d))
                for gap in GAPS
            }
            known = {"size": k, "draw": draw, "truth": 1.0, "gradient_norm": 1e-14, "status": "converged"}
            yield labels | known | gaps | ({"rif_newton": 1e-18} if k == 1 else {})


def test_exponents_of_all_that_varies_are_found_again():
    table = scaling_table(pd.DataFrame(rows()), 200, 0).set_index("gap")
    for gap in GAPS:
        for name, power in LAW.items():
            assert table.loc[gap, f"exponent_{name}"] == pytest.approx(power, abs=0.04), (gap, name)
            assert table.loc[gap, f"exponent_{name}_low"] < table.loc[gap, f"exponent_{name}_high"]
    cells = 2 * 2 * sum(len(removed_sizes(n)) for n in (100, 200, 400))
    assert table.loc["if_newton", ["designs", "cells"]].tolist() == [12, cells]
    assert table.loc["rif_newton", "cells"] == cells - 12  # none of one sample


def test_the_form_of_theory_has_exponent_one_where_theory_holds():
    table = scaling_table(pd.DataFrame(rows(law=None)), 200, 0)
    assert table["form"].to_numpy() == pytest.approx(1, abs=0.02)
    assert (table["form_high"] - table["form_low"] < 0.1).all()


def test_theory_is_that_of_one_feature_and_sample_by_hand():
    assert form("newton_truth", 3, 10, 4) == pytest.approx(12 / 100)
    assert form("if_newton", 3, 10, 4) == pytest.approx(7 * np.sqrt(12) / 100)
    assert form("rif_newton", 3, 10, 4) == pytest.approx(np.sqrt(3 * 2 * 4) * (np.sqrt(3) + 2) / 100)


def test_what_does_not_vary_has_no_exponent_and_what_is_not_certified_does_not_count():
    some = pd.DataFrame(rows("digits", parameters=(65,), designs=1))
    failed = (some["draw"] == 0) & (some["size"] == 5)
    some.loc[failed, ["newton_truth", "status"]] = np.nan, "iteration_limit"
    table = scaling_table(some, 100, 0).set_index("gap")
    assert table[["exponent_d", "exponent_d_low"]].isna().all(axis=None)
    assert table.loc["newton_truth", "exponent_n"] == pytest.approx(LAW["n"], abs=0.05)
    assert table["exponent_n_low"].notna().all()  # of one design each: by its draws
    assert uncertified(some)[0] == "digits/n100-d65-0: 5 samples, draw 0 (iteration_limit)"
    (single,) = scaling_table(some[some["n_train"] == 400], 100, 0).query("gap == 'if_newton'").to_dict("records")
    assert np.isnan(single["exponent_n"])
    assert single["exponent_k"] == pytest.approx(LAW["k"], abs=0.05)


def test_files_are_read_made_up_designs_first(tmp_path):
    for name, found in (("b", rows("digits", designs=1)), ("a", rows())):
        result_rows.write(result_rows.table(found, scaling.SCHEMA), tmp_path / f"{name}.parquet")
    read = read_scaling([tmp_path / "b.parquet", tmp_path / "a.parquet"])
    assert list(read["dataset"].unique()) == [SYNTHETIC, "digits"]
    shown = readable_scaling(scaling_table(read, 20, 0), {"digits": "Digits"})
    assert list(shown["dataset"].unique()) == [SYNTHETIC, "Digits"]
    assert shown.loc[0, "theory"] == "(k + d) √(k d) / n²"
    assert shown.loc[0, "exponent_k"].startswith("0.7")


def test_the_figure_shows_made_up_designs_twice_and_a_row_for_each_data_set():
    found = pd.concat([pd.DataFrame(rows()), pd.DataFrame(rows("digits", parameters=(65,), designs=1))])
    drawing = scaling_figure(found, {"digits": "Digits", "esc50": "ESC-50"})
    assert len(drawing.figure.axes) == 3 * len(GAPS)
    counts = drawing.points.groupby(["row", "gap"]).size().unstack()
    sizes = sum(len(removed_sizes(n)) for n in (100, 200, 400))
    assert counts["if_newton"].tolist() == [2 * sizes, 2 * 2 * sizes, sizes]
    assert counts["rif_newton"].tolist() == [2 * (sizes - 3), 2 * 2 * (sizes - 3), sizes - 3]
    lines = drawing.figure.axes[3].lines
    drawn = np.sort(np.concatenate([line.get_ydata() for line in lines[:-1]]))
    expected = drawing.points[(drawing.points["row"] == 2) & (drawing.points["gap"] == "if_newton")]["mean"]
    assert drawn == pytest.approx(np.sort(expected))


@pytest.mark.parametrize("missing", [["newton_truth"], list(GAPS)])
def test_what_no_set_tells_has_no_exponents_and_an_empty_panel(missing, tmp_path):
    """No truth is certified, or no set is removable."""
    found = pd.concat([pd.DataFrame(rows()), pd.DataFrame(rows("digits", parameters=(65,), designs=1))])
    found[["truth", *missing]], found["status"] = np.nan, "iteration_limit"
    table = scaling_table(found, 20, 0)
    assert set(table.loc[table["cells"] == 0, "gap"]) == set(missing)
    assert table.loc[table["cells"] == 0, ["exponent_k", "exponent_n", "form"]].isna().all(axis=None)
    assert "nan" not in readable_scaling(table, {}).to_string(na_rep="-")
    drawing = scaling_figure(found, {"digits": "Digits"})
    assert set(numbers(drawing, tmp_path)["gap"]) == set(GAPS) - set(missing)
    heights = {ax.get_ylim() for ax in drawing.figure.axes[3:6]}
    assert len(heights) == 1
    points = drawing.points[drawing.points["row"] == 2]["mean"]
    assert not len(points) or min(heights)[0] > points.min() / 10  # nothing that empty panels would add
