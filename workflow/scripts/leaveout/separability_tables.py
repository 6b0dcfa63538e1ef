"""Table of slopes beside separability: how estimators do where the classes of training samples hardly overlap."""

from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from leaveout.calibration import columns
from leaveout.model_file import FitSummary
from leaveout.tables import named_runs, with_intervals

#: What the table takes over from that of all seeds, with intervals.
CALIBRATED = ("slope", "relative_error")
RUN, ASKED = ["dataset", "variant"], ["evaluation", "method", "sets"]
SEPARATED = ["n_train", "features", "training_accuracy", "test_accuracy", "curvature"]


def separability_table(calibration: pd.DataFrame, fits: Mapping[tuple[str, str], FitSummary]) -> pd.DataFrame:
    """Slope and relative error on the sets of all seeds, beside the curvature that is left, mean of ``p_i (1 - p_i)``.

    Parameters
    ----------
    calibration : pandas.DataFrame
        Of ``convention_tables.seeds_table``.
    fits : mapping from data set and variant to FitSummary
        The audited models.

    Returns
    -------
    pandas.DataFrame
        A row for each run, evaluation function and method: what `FitSummary` says of the model, ``sets`` of all seeds,
        and two statistics of ``calibration``, each with its limits.
    """
    found = pd.DataFrame([dict(zip(RUN, run, strict=True)) | asdict(fit) for run, fit in fits.items()])
    numbers = columns(CALIBRATED)
    beside = calibration[[*RUN, *ASKED, *numbers]].merge(found, on=RUN, validate="many_to_one")
    return beside[[*RUN, *SEPARATED, *ASKED, *numbers]]


def readable_separability(table: pd.DataFrame) -> pd.DataFrame:
    """Statistics with their intervals, shares in percent."""
    shown = with_intervals(named_runs(table), CALIBRATED)
    for name in ("training_accuracy", "test_accuracy"):
        shown[name] = (100 * table[name]).map("{:.1f}".format)
    return shown.assign(curvature=table["curvature"].map("{:.4f}".format))
