"""Tables, each in four forms: csv with every number; Markdown, LaTeX and HTML for readers."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import files, seeds
from leaveout.arrays import Array
from leaveout.calibration import STATISTICS, calibrate, columns, resamples
from leaveout.comparison import compare


class TablePaths(Protocol):
    """Where the four forms of a table go; a job's named outputs serve."""

    csv: str
    md: str
    tex: str
    html: str


HEADINGS = {
    "dataset": "data set",
    "evaluation": "evaluation",
    "relative_error": "relative error",
    "r2": "R2",
    "newton_decrement": "newton decrement",
    "gradient_norm": "gradient norm",
    "effect_error": "effect error",
    "not_certified": "not certified",
    "datasets": "data sets",
    "n_train": "n",
    "n_test": "test samples",
    "accuracy": "test accuracy (%)",
    "paper_accuracy": "paper (%)",
    "license": "licence",
    "auroc": "AUROC",
    "top_rise": "top rise",
    "direction": "removal",
    "y": "label",
    "if": "IF",
    "rif": "RIF",
    "newton": "NS",
    "actual": "retrained",
    "if_rank": "rank by IF",
    "applies": "theorem applies",
    "data_applies": "with constants of all",
    "holds": "bound holds",
}


HTML_STYLE: list[Any] = [
    {"selector": "", "props": "border-collapse: collapse; font: 14px sans-serif; margin: 2em auto"},
    {"selector": "caption", "props": "padding: 1em; font-weight: bold"},
    {"selector": "th, td", "props": "padding: 0.3em 0.8em; text-align: left; white-space: nowrap"},
    {"selector": "thead th", "props": "border-top: 2px solid; border-bottom: 1px solid"},
    {"selector": "tbody tr:last-child td", "props": "border-bottom: 2px solid"},
]


@dataclass(frozen=True)
class Kind:
    """A table of some rows: what makes it of rows, resamples and seed; its form for readers; its caption."""

    table: Callable[[pd.DataFrame, int, int], pd.DataFrame]
    readable: Callable[[pd.DataFrame], pd.DataFrame]
    caption: str


def calibration_table(rows: pa.Table, bootstrap: int, seed: int) -> pd.DataFrame:
    """Calibration of each estimator, by data set, variant and evaluation function, with 95 % intervals.

    All estimators of a group are resampled on the same sets: those that every one of them has a prediction of.
    """
    records = []
    for place, compared in grouped(compare(rows).pairs, ["dataset", "variant", "evaluation"]):
        pairs = of_all_methods(compared)
        strategies = pairs.drop_duplicates("set_id")["strategy"].to_numpy(dtype=str)
        run = str(place["dataset"]), str(place["variant"])
        drawn = resamples(strategies, bootstrap, seeds.generator(seed, "bootstrap", *run))
        records += [place | record for record in calibrated(pairs, drawn)]
    key = ["dataset", "variant", "evaluation", "method", "sets"]
    return pd.DataFrame(records, columns=[*key, *columns(STATISTICS)])


def grouped(rows: pd.DataFrame, by: Sequence[str]) -> Iterator[tuple[dict[str, Any], pd.DataFrame]]:
    """What rows have in common, by the columns' names, and the rows, in the order of their first ones."""
    for key, group in rows.groupby([*by], sort=False):
        yield dict(zip(by, key, strict=True)), group


def calibrated(pairs: pd.DataFrame, drawn: Array) -> Iterator[dict[str, Any]]:
    """Calibration of each method: ``method``, ``sets``, and the statistics with their limits.

    Parameters
    ----------
    pairs : pandas.DataFrame
        ``method``, ``actual``, ``predicted`` of one evaluation function, of the same sets in the same order for all
        methods (see `of_all_methods`).
    drawn : (b, sets) float64 array
        Bootstrap samples.
    """
    for method, group in pairs.groupby("method", sort=False):
        found = calibrate(group["actual"].to_numpy(), group["predicted"].to_numpy(), drawn)
        limits = {column: number for name in STATISTICS for column, number in found[name].columns(name).items()}
        yield {"method": method, "sets": len(group)} | limits


def of_all_methods(pairs: pd.DataFrame) -> pd.DataFrame:
    """Pairs of the sets that stand beside a prediction of every method."""
    methods = pairs.groupby("set_id")["method"].transform("nunique")
    return pairs[methods == pairs["method"].nunique()]


def named_runs(table: pd.DataFrame) -> pd.DataFrame:
    """A table for readers: with ``variant`` only if the data set alone does not tell its runs apart."""
    several = (table.groupby("dataset")["variant"].nunique() > 1).any()
    return table if several else table.drop(columns="variant")


def with_intervals(table: pd.DataFrame, statistics: Sequence[str] = STATISTICS) -> pd.DataFrame:
    """Replace each statistic and its two limits by one text, ``0.82 [0.78, 0.86]``; missing ones stay missing."""
    shown = table.drop(columns=[f"{name}_{end}" for name in statistics for end in ("low", "high")])
    for name in statistics:
        triples = table[[name, f"{name}_low", f"{name}_high"]].itertuples(index=False, name=None)
        shown[name] = [
            f"{value:.3f} [{low:.3f}, {high:.3f}]" if np.isfinite(value) else np.nan for value, low, high in triples
        ]
    return shown


def write_table(table: pd.DataFrame, readable: pd.DataFrame, paths: TablePaths, caption: str) -> None:
    """Write a table.

    Parameters
    ----------
    table, readable : pandas.DataFrame
        With every number, and as readers should see it.
    paths : TablePaths
    caption : str
        One line of plain text, for LaTeX and HTML.
    """
    titled = readable.rename(columns=HEADINGS).astype(object)
    titled = titled.mask(titled.isna(), "-").replace({"": "-"})
    one_line = titled.map(lambda cell: " ".join(cell.replace("|", r"\|").split()) if isinstance(cell, str) else cell)
    latex = titled.style.hide(axis="index").format(escape="latex").format_index(escape="latex", axis="columns")
    html = titled.style.hide(axis="index").format(escape="html").set_table_styles(HTML_STYLE).set_caption(caption)
    texts = {
        "csv": table.to_csv(index=False),
        "md": one_line.to_markdown(index=False, disable_numparse=True) + "\n",
        "tex": latex.to_latex(caption=caption.replace("%", r"\%"), hrules=True),
        "html": html.set_uuid("table").to_html(doctype_html=True),
    }
    for form, text in texts.items():
        with files.complete(getattr(paths, form)) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
