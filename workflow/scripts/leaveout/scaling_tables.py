"""Exponents with which the errors of predictions grow, beside theory."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import seeds
from leaveout.arrays import Array, IntArray
from leaveout.calibration import Interval, columns
from leaveout.certificate import Status
from leaveout.exponents import Measurements, exponents
from leaveout.result_rows import read
from leaveout.scaling import SCHEMA, SYNTHETIC
from leaveout.tables import grouped, with_intervals

#: Designs of a source share these; n is what its runs differ in.
SOURCE = ["dataset", "regularization", "regularizer", "intercept"]
#: What exponents are fitted to, by its column of the rows, and the slope on the theory's own form.
VARIABLES, FORM = {"k": "size", "n": "n_train", "d": "d"}, "form"
#: What tells cells and designs apart.
DESIGN = ["n_train", "d", "design"]
CELL = [*DESIGN, "size"]
EXPONENTS = [*(f"exponent_{name}" for name in VARIABLES), FORM]


@dataclass(frozen=True)
class Gap:
    """A norm of the rows, in readers' words, and what theory says of its mean (see ``scaling``).

    Attributes
    ----------
    name, theory : str
    smallest : int
        Samples of the smallest sets that have the gap at all.
    """

    name: str
    theory: str
    smallest: int = 1


GAPS: Mapping[str, Gap] = {
    "if_newton": Gap("IF − NS", "(k + d) √(k d) / n²"),
    "rif_newton": Gap("RIF − NS", "√(k (k−1) d) (√k + √d) / n², at most k² d / n²", smallest=2),
    "newton_truth": Gap("NS − truth", "k d / n²"),
}


def form(gap: str, k: Array, n: Array, d: Array) -> Array:
    """What theory says of the mean of a gap, but for a constant and logarithms."""
    grown = {
        "if_newton": (k + d) * np.sqrt(k * d),
        "rif_newton": np.sqrt(k * (k - 1) * d) * (np.sqrt(k) + np.sqrt(d)),
        "newton_truth": k * d,
    }
    return grown[gap] / n**2


def read_scaling(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Read rows of ``scaling.SCHEMA``, made-up designs first."""
    rows = pa.concat_tables(read(path, SCHEMA) for path in paths).to_pandas()
    return rows.sort_values("dataset", key=lambda names: names != SYNTHETIC, kind="stable", ignore_index=True)


def uncertified(rows: pd.DataFrame) -> list[str]:
    """``dataset/variant: k samples, draw (status)`` of each set whose truth is not certified."""
    failed = rows[rows["status"] != Status.CONVERGED.value]
    names = failed[["dataset", "variant", "size", "draw", "status"]].itertuples(index=False)
    return [f"{dataset}/{variant}: {k} samples, draw {draw} ({status})" for dataset, variant, k, draw, status in names]


def cells(rows: pd.DataFrame, gap: str) -> pd.DataFrame:
    """Mean of a gap over the draws of each design and size, with its standard error, beside the theory's form.

    Returns
    -------
    pandas.DataFrame
        `SOURCE`, `CELL`, ``mean``, ``error``, ``draws``, ``form``; draws without the gap are left out.
    """
    some = _known(rows, gap)
    found = some.groupby([*SOURCE, *CELL], sort=False)[gap].agg(mean="mean", error="sem", draws="count").reset_index()
    k, n, d = (found[column].to_numpy(dtype=np.float64) for column in VARIABLES.values())
    return found.assign(form=form(gap, k, n, d))


def _known(rows: pd.DataFrame, gap: str) -> pd.DataFrame:
    return rows[(rows["size"] >= GAPS[gap].smallest) & (rows[gap] > 0)]  # NaN is not


def scaling_table(rows: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """Fitted exponents of each gap, with 95 % intervals.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `read_scaling`.
    bootstrap : int
        Resamples behind each interval.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each source (made-up designs, or a data set under some settings) and gap: numbers of ``designs`` and
        of ``cells`` (designs and sizes); ``exponent_k``, ``exponent_n``, ``exponent_d``, fitted together, where they
        vary; and ``form``: the exponent of the theory's form, where 1 is theory without its logarithms; each with its
        limits. Intervals of made-up designs are over designs; those of data sets, of which there is one of each n, over
        draws of the sets.
    """
    records = []
    for source, group in grouped(rows, SOURCE):
        for gap in GAPS:
            some = _known(group, gap)
            generator = seeds.generator(seed, "scaling table", str(source["dataset"]), gap)
            fits = _fits(some, gap, bootstrap, generator) if len(some) else ()
            limits = {column: number for name, interval in fits for column, number in interval.columns(name).items()}
            numbers = {
                "designs": some[DESIGN].drop_duplicates().shape[0],
                "cells": some[CELL].drop_duplicates().shape[0],
            }
            records.append(source | {"gap": gap} | numbers | limits)
    return pd.DataFrame(records, columns=[*SOURCE, "gap", "designs", "cells", *columns(EXPONENTS)])


def _fits(
    rows: pd.DataFrame, gap: str, bootstrap: int, generator: np.random.Generator
) -> Iterator[tuple[str, Interval]]:
    """Exponents of what varies, and the slope on the theory's form."""
    ordered = rows.sort_values([*CELL, "draw"])
    found = ordered.drop_duplicates(CELL)
    designs = found.drop_duplicates(DESIGN)
    columns = {name: found[column].to_numpy(dtype=np.float64) for name, column in VARIABLES.items()}
    varying = {name: values for name, values in columns.items() if len(np.unique(values)) > 1}
    for variables in (varying, {FORM: form(gap, **columns)}):
        if not varying:
            continue
        measured = Measurements(
            values=ordered[gap].to_numpy(),
            cell=_numbers(ordered, CELL),
            variables=variables,
            design=_numbers(found, DESIGN),
            stratum=_numbers(designs, DESIGN[:-1]),
        )
        for name, interval in exponents(measured, bootstrap, generator).items():
            yield name if name == FORM else f"exponent_{name}", interval


def _numbers(rows: pd.DataFrame, columns: list[str]) -> IntArray:
    """Numbers of the groups that sorted rows are in, from 0."""
    return np.asarray(rows.groupby(columns).ngroup(), dtype=np.int64)


def readable_scaling(table: pd.DataFrame, titles: Mapping[str, str]) -> pd.DataFrame:
    """Exponents with their intervals, beside the theory's form."""
    shown = with_intervals(table, EXPONENTS).drop(columns=SOURCE[1:])
    theory = table["gap"].map(lambda gap: GAPS[gap].theory)
    names = table["gap"].map(lambda gap: GAPS[gap].name)
    sources = table["dataset"].map(lambda name: titles.get(name, name))
    return shown.assign(dataset=sources, gap=names, theory=theory)
