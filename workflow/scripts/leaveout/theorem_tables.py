"""Tables of Theorem 3.1 on data: its constants, whom it speaks of, and how loose its bounds are.

Sets of one sample are left out: their RIF is the Newton step. So are the sets that the paper's code selects.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import seeds
from leaveout.arrays import Array
from leaveout.calibration import Interval, columns, medians, resamples
from leaveout.plotted import PUBLISHED_STRATEGIES
from leaveout.result_rows import read
from leaveout.tables import Kind, grouped, named_runs, with_intervals
from leaveout.theorem import SCHEMA

#: Bounds, in readers' words; the last has the constants of all training samples.
BOUND_NAMES = {
    "theorem": "theorem",
    "data_theorem": "theorem, constants of all samples",
    "sharper": "theorem, sharper constant",
    "row_sums": "row sums",
    "spectral": "spectral",
}
CONSTANTS = ("c_l", "c_r", "epsilon", "delta", "threshold")
#: Numbers that a table of constants gives of sets of each size, with intervals.
OF_SIZES = ("threshold", "c_r", "delta")
#: What constants are over.
OF_SETS, OF_ALL = "the set", "all training samples"
RUN = ["dataset", "variant", "regularizer", "own"]


def read_theorem(paths: Iterable[str | Path]) -> pd.DataFrame:
    """Rows of ``theorem.SCHEMA`` of audited runs that tables and figures show, with ``observed = |difference|``."""
    rows = pa.concat_tables(read(path, SCHEMA) for path in paths).to_pandas()
    shown = rows[(rows["size"] > 1) & ~rows["strategy"].isin(PUBLISHED_STRATEGIES)]
    return shown.assign(observed=shown["difference"].abs())


def ratios_table(rows: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """How much of each bound is observed: ``|<grad f, NS_T - RIF_T>| / bound`` over the sets that it holds for.

    Parameters
    ----------
    rows : pandas.DataFrame
        Of `read_theorem`.
    bootstrap : int
        Resamples behind each interval: of sets, within strategies.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each run, convention, evaluation function and bound: ``sets``, in how many of them the bound
        ``holds``, ``ratio``, the median over these, with its limits, and the ``worst`` ratio; 1 would be attained.
    """
    records = []
    for place, group in grouped(rows, [*RUN, "evaluation"]):
        drawn = _drawn(group, bootstrap, seed, place)
        for name in BOUND_NAMES:
            bound = group[f"{name}_bound"]
            ratio = group["observed"] / bound.where(bound > 0)  # of no overlap at all there is none
            counts = {"bound": name, "sets": len(group), "holds": int(bound.notna().sum())}
            found = _median(ratio.to_numpy(), drawn).columns("ratio")
            records.append(place | counts | found | {"worst": float(ratio.max())})
    named = [*RUN, "evaluation", "bound", "sets", "holds", *columns(["ratio"]), "worst"]
    return pd.DataFrame(records, columns=named)


def constants_table(rows: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """The constants over all training samples, and over sets of each size: medians with 95 % intervals.

    Parameters
    ----------
    rows, bootstrap, seed
        As `ratios_table` takes them.

    Returns
    -------
    pandas.DataFrame
        A row for each run, convention and ``size``, n itself included, where ``over`` is `OF_ALL`: ``sets``, how many
        of them the theorem ``applies`` to with their own constants and, ``data_applies``, with those of all samples;
        ``c_l`` to ``threshold``.
    """
    records = []
    for place, run in grouped(rows, RUN):
        sets = run[run["evaluation"] == run["evaluation"].iloc[0]]  # the constants of a set are those of any f
        first = sets.iloc[0]
        records.append(
            place
            | {"over": OF_ALL, "size": first["n_train"], "sets": 1, "applies": 0, "data_applies": 0}
            | {name: first[f"data_{name}"] for name in CONSTANTS}
        )
        for size, group in sets.groupby("size"):
            drawn = _drawn(group, bootstrap, seed, place | {"size": size})
            counts = {name: int(group[name].sum()) for name in ("applies", "data_applies")}
            record = place | {"over": OF_SETS, "size": size, "sets": len(group)} | counts
            for name in CONSTANTS:
                found = _median(group[name].to_numpy(), drawn)
                record |= found.columns(name) if name in OF_SIZES else {name: found.value}
            records.append(record)
    named = [column for name in CONSTANTS for column in (columns([name]) if name in OF_SIZES else [name])]
    return pd.DataFrame(records, columns=[*RUN, "over", "size", "sets", "applies", "data_applies", *named])


def _drawn(group: pd.DataFrame, bootstrap: int, seed: int, place: Mapping[str, Any]) -> Array:
    """Bootstrap samples of the sets of a group; all evaluation functions of a run share them."""
    words = (str(place[name]) for name in ("dataset", "variant", "regularizer", "size") if name in place)
    strategies = group["strategy"].to_numpy(dtype=str)
    return resamples(strategies, bootstrap, seeds.generator(seed, "theorem", *words))


def _median(values: Array, drawn: Array) -> Interval:
    """Median of the values that there are, infinite ones among them; NaN where there is none."""
    there = ~np.isnan(values)
    value = np.median(values[there]) if there.any() else np.nan
    return Interval.around(value, medians(values[there], drawn[:, there]), method="inverted_cdf")


def readable_ratios(table: pd.DataFrame) -> pd.DataFrame:
    """Under the run's own convention, bounds by their names, two digits."""
    own = table[table["own"].astype(bool)]
    ratios = [
        f"{value:.2g} [{low:.2g}, {high:.2g}]" if np.isfinite(value) else np.nan
        for value, low, high in own[columns(["ratio"])].itertuples(index=False)
    ]
    worst = own["worst"].map("{:.2g}".format, na_action="ignore")
    shown = named_runs(own).drop(columns=["own", "ratio_low", "ratio_high"])
    return shown.assign(bound=own["bound"].map(BOUND_NAMES), ratio=ratios, worst=worst)


def readable_constants(table: pd.DataFrame) -> pd.DataFrame:
    """Under the run's own convention, with few digits."""
    own = table[table["own"].astype(bool)]
    shown = with_intervals(named_runs(own), OF_SIZES).drop(columns="own")
    all_samples = own["over"] == OF_ALL
    for name in OF_SIZES:  # of the data set itself there is no interval
        shown[name] = shown[name].mask(all_samples, own[name].map("{:.3f}".format))
    numbers = {name: own[name].map("{:.3g}".format) for name in ("c_l", "epsilon")}
    counts = {name: own[name].astype(object).mask(all_samples, "") for name in ("sets", "applies", "data_applies")}
    return shown.assign(**numbers, **counts)


TABLES: Mapping[str, Kind] = {
    "ratios": Kind(ratios_table, readable_ratios, "Observed difference of NS and RIF over its bounds"),
    "constants": Kind(constants_table, readable_constants, "Constants of Theorem 3.1 and sets that it speaks of"),
}
