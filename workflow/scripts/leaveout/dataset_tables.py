"""Tables of the data sets themselves: how large, how well the full model does on them, under which licence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from leaveout import parquet
from leaveout.model_file import read_summary
from leaveout.records import TEST
from leaveout.vouching import vouched

#: Columns that readers see as percentages.
PERCENT = ("accuracy", "paper_accuracy", "difference")


def datasets_table(
    datasets: Sequence[Mapping[str, Any]],
    fits: Sequence[str | Path],
    samples: Sequence[str | Path],
    abouts: Sequence[str | Path],
) -> pd.DataFrame:
    """Size and test accuracy of each data set, beside what the paper reports.

    Parameters
    ----------
    datasets : sequence of mapping
        Entries of the configuration, a row each.
    fits, samples, abouts : sequence of path
        Their fits, embedded samples, and the records of how these were made, in the same order.

    Returns
    -------
    pandas.DataFrame
        ``accuracy``, ``accuracy_low`` and ``accuracy_high`` (Wilson's 95 % interval, over the test samples),
        ``paper_accuracy`` and ``difference`` (measured less paper) are shares; ``paper_d`` and ``paper_n_train`` are
        the paper's sizes. What the paper does not have is missing.
        ``files`` says what vouches for the files of samples and model (`vouching.vouched`).
    """
    from scipy.stats import binomtest  # here: loading it takes longer than the other tables of this module

    records = []
    for entry, fit, embedded, about in zip(datasets, fits, samples, abouts, strict=True):
        found, paper = read_summary(fit), {"accuracy": np.nan, "d": None, "n_train": None} | entry.get("paper", {})
        n_test = parquet.read(embedded, ["split"])["split"].to_pylist().count(TEST)
        accuracy = found.test_accuracy
        low, high = binomtest(round(accuracy * n_test), n_test).proportion_ci(method="wilson")
        records.append(
            {
                "dataset": entry["title"],
                "d": found.features,
                "n_train": found.n_train,
                "n_test": n_test,
                "accuracy": accuracy,
                "accuracy_low": low,
                "accuracy_high": high,
                "paper_d": paper["d"],
                "paper_n_train": paper["n_train"],
                "paper_accuracy": paper["accuracy"],
                "difference": accuracy - paper["accuracy"],
                "files": vouched(about),
                "description": entry["description"],
            }
        )
    return pd.DataFrame(records).astype({"paper_d": "Int64", "paper_n_train": "Int64"})


def readable_datasets(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracies in percent, the measured one with its interval; the paper's sizes in brackets where they differ."""
    limits = ["accuracy_low", "accuracy_high"]
    triples = (100 * table[["accuracy", *limits]]).itertuples(index=False, name=None)
    shown = table.drop(columns=[*limits, "paper_d", "paper_n_train"]).astype(dict.fromkeys(PERCENT, object))
    for size in ("d", "n_train"):
        pairs = zip(table[size], table[f"paper_{size}"].fillna(table[size]), strict=True)
        shown[size] = [str(found) if found == paper else f"{found} ({paper})" for found, paper in pairs]
    shown["accuracy"] = [f"{accuracy:.1f} [{low:.1f}, {high:.1f}]" for accuracy, low, high in triples]
    shown["paper_accuracy"] = (100 * table["paper_accuracy"]).map("{:.1f}".format, na_action="ignore")
    shown["difference"] = (100 * table["difference"]).map("{:+.1f}".format, na_action="ignore")
    return shown


def licenses_table(datasets: Sequence[Mapping[str, Any]], sources: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Licence of the source of each data set; sets of one source share a row."""
    used = [(*_licensed(entry["source"], sources), entry["title"]) for entry in datasets]
    return _shared(used, ["source", "license", "datasets"])


def _licensed(source: str | Mapping[str, Any], sources: Mapping[str, Mapping[str, Any]]) -> tuple[str, str]:
    """A source and its licence; a design is nobody's."""
    return (source, sources[source]["license"]) if isinstance(source, str) else ("made up", "none needed")


def model_licenses_table(
    datasets: Sequence[Mapping[str, Any]], sources: Mapping[str, Mapping[str, Any]]
) -> pd.DataFrame:
    """Licence of the weights that each data set is embedded by; sets of one model share a row, others have none."""
    used = []
    for entry in datasets:
        weights = entry["embedding"].get("weights")
        if isinstance(weights, str):
            used.append((weights, sources[weights]["license"], entry["title"]))
        elif weights is not None:
            name = "/".join(weights[key] for key in ("package", "path") if key in weights)
            used.append((name, weights.get("license", "not stated"), entry["title"]))
    return _shared(used, ["model", "license", "datasets"])


def readable_licenses(table: pd.DataFrame) -> pd.DataFrame:
    """The table itself, or one that says that there is nothing to list."""
    return table if len(table) else pd.DataFrame([["none", *[""] * (table.shape[1] - 1)]], columns=table.columns)


def _shared(used: Sequence[tuple[str, str, str]], columns: Sequence[str]) -> pd.DataFrame:
    """A row for each thing that is used, with its licence and the titles of all data sets that use it."""
    titles: dict[tuple[str, str], list[str]] = {}
    for name, licence, title in used:
        titles.setdefault((name, licence), []).append(title)
    return pd.DataFrame([(*key, "; ".join(names)) for key, names in titles.items()], columns=list(columns))
