"""Tables of the data sets themselves: how large, how well the full model does on them, under which licence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from leaveout.model_file import read_summary
from leaveout.records import TEST

#: Columns that readers see as percentages.
PERCENT = ("accuracy", "paper_accuracy", "difference")


def datasets_table(
    datasets: Sequence[Mapping[str, Any]], fits: Sequence[str | Path], samples: Sequence[str | Path]
) -> pd.DataFrame:
    """Size and test accuracy of each data set, beside what the paper reports.

    Parameters
    ----------
    datasets : sequence of mapping
        Entries of the configuration, a row each.
    fits, samples : sequence of path
        Their fits and embedded samples, in the same order.

    Returns
    -------
    pandas.DataFrame
        ``accuracy``, ``standard_error`` (binomial, over the test samples), ``paper_accuracy`` and ``difference``
        (measured less paper) are shares; NaN where the paper has no number.
    """
    records = []
    for entry, fit, embedded in zip(datasets, fits, samples, strict=True):
        found, paper = read_summary(fit), entry.get("paper", {}).get("accuracy", np.nan)
        n_test = pq.read_table(embedded, columns=["split"])["split"].to_pylist().count(TEST)
        accuracy = found.test_accuracy
        records.append(
            {
                "dataset": entry["title"],
                "d": found.features,
                "n_train": found.n_train,
                "n_test": n_test,
                "accuracy": accuracy,
                "standard_error": (accuracy * (1 - accuracy) / n_test) ** 0.5,
                "paper_accuracy": paper,
                "difference": accuracy - paper,
                "description": entry["description"],
            }
        )
    return pd.DataFrame(records)


def readable_datasets(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracies in percent, the measured one with its standard error."""
    shown = table.drop(columns="standard_error").astype(dict.fromkeys(PERCENT, object))
    pairs = zip(100 * table["accuracy"], 100 * table["standard_error"], strict=True)
    shown["accuracy"] = [f"{accuracy:.1f} \u00b1 {error:.1f}" for accuracy, error in pairs]
    shown["paper_accuracy"] = (100 * table["paper_accuracy"]).map("{:.1f}".format, na_action="ignore")
    shown["difference"] = (100 * table["difference"]).map("{:+.1f}".format, na_action="ignore")
    return shown


def licenses_table(datasets: Sequence[Mapping[str, Any]], sources: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """Licence of the source of each data set; sets of one source share a row."""
    titles: dict[str, list[str]] = {}
    for entry in datasets:
        titles.setdefault(entry["source"], []).append(entry["title"])
    records = [
        {"source": source, "datasets": "; ".join(names), "license": sources[source]["license"]}
        for source, names in titles.items()
    ]
    return pd.DataFrame(records)
