"""Tables of the data sets themselves: how large, how well the full model does on them, under which licence."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from scipy.stats import binomtest

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
        ``accuracy``, ``accuracy_low`` and ``accuracy_high`` (Wilson's 95 % interval, over the test samples),
        ``paper_accuracy`` and ``difference`` (measured less paper) are shares; NaN where the paper has no number.
    """
    records = []
    for entry, fit, embedded in zip(datasets, fits, samples, strict=True):
        found, paper = read_summary(fit), entry.get("paper", {}).get("accuracy", np.nan)
        n_test = pq.read_table(embedded, columns=["split"])["split"].to_pylist().count(TEST)
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
                "paper_accuracy": paper,
                "difference": accuracy - paper,
                "description": entry["description"],
            }
        )
    return pd.DataFrame(records)


def readable_datasets(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracies in percent, the measured one with its interval."""
    limits = ["accuracy_low", "accuracy_high"]
    triples = (100 * table[["accuracy", *limits]]).itertuples(index=False, name=None)
    shown = table.drop(columns=limits).astype(dict.fromkeys(PERCENT, object))
    shown["accuracy"] = [f"{accuracy:.1f} [{low:.1f}, {high:.1f}]" for accuracy, low, high in triples]
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
