"""Tables of the most influential samples: each alone, and the first of them together beside certified retrains."""

from collections.abc import Iterable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import effects
from leaveout.certificate import Status
from leaveout.effects import PREDICTIONS, RETRAIN
from leaveout.influential import DIRECTIONS, SCHEMA, strategy
from leaveout.result_rows import read
from leaveout.tables import grouped, named_runs

#: Status of a retrain that may be shown.
CERTIFIED = Status.CONVERGED.value
#: Samples of each evaluation function and direction that readers see; the csv has all.
SHOWN = 5
#: Columns that tell a ranking.
RANKING = ["dataset", "variant", "evaluation", "direction"]


def influential_table(samples: Iterable[str | Path]) -> pd.DataFrame:
    """Rows of ``influential.SCHEMA`` of a study's data sets, with what tells their rankings and samples apart."""
    rows = pa.concat_tables(read(path, SCHEMA) for path in samples)
    return rows.select([*RANKING, "rank", "id", "y", "rif", "if", "if_rank"]).to_pandas()


def readable_influential(table: pd.DataFrame) -> pd.DataFrame:
    """The first samples of each ranking."""
    shown = named_runs(table[table["rank"] <= SHOWN])
    numbers = {name: shown[name].map("{:.3g}".format) for name in ("rif", "if")}
    return shown.astype(dict.fromkeys(numbers, object)).assign(**numbers)


def groups_table(groups: Iterable[str | Path]) -> pd.DataFrame:
    """Predicted effects of each group beside the actual one, which is missing where its retrain is not certified.

    Parameters
    ----------
    groups : paths
        Rows of ``effects.SCHEMA``, a file a data set.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, evaluation function, direction and size: ``if``, ``rif``, ``newton``, ``actual``, and
        the certificate of ``actual``: ``effect_error``, ``gradient_norm`` and ``status``.
    """
    rows = pa.concat_tables(effects.read(path) for path in groups).to_pandas()
    directions = {strategy(*ranked): ranked[1] for ranked in product(rows["evaluation"].unique(), DIRECTIONS)}
    rows["direction"] = [directions[name] for name in rows["strategy"]]
    records = []
    for ranking, group in grouped(rows, [*RANKING, "size"]):
        found = group.set_index("method")
        retrained, certified = found.loc[RETRAIN], found.loc[RETRAIN, "status"] == CERTIFIED
        records.append(
            ranking
            | {method: found.loc[method, "effect"] for method in PREDICTIONS}
            | {"actual": retrained["effect"] if certified else np.nan}
            | {name: retrained[name] if certified else np.nan for name in ("effect_error", "gradient_norm")}
            | {"status": retrained["status"]}
        )
    columns = [*RANKING, "size", *PREDICTIONS, "actual", "effect_error", "gradient_norm", "status"]
    return pd.DataFrame(records, columns=columns)


def uncertified(table: pd.DataFrame) -> list[str]:
    """``dataset/variant: evaluation, removal direction, k samples (status)`` of each group without a certificate."""
    failed = table[table["status"] != CERTIFIED]
    return [
        f"{row.dataset}/{row.variant}: {row.evaluation}, removal {row.direction} it, {row.size} samples ({row.status})"
        for row in failed.itertuples()
    ]


def readable_groups(table: pd.DataFrame) -> pd.DataFrame:
    """Effects with few digits, the actual one with the bound of its error; groups without a certificate say so."""
    shown = named_runs(table).drop(columns=["effect_error", "gradient_norm", "status"])
    numbers = {name: shown[name].map("{:.4g}".format, na_action="ignore") for name in PREDICTIONS}
    actual = [
        f"{row.actual:.4g} ± {row.effect_error:.0e}" if row.status == CERTIFIED else f"not certified ({row.status})"
        for row in table.itertuples()
    ]
    return shown.astype(dict.fromkeys(numbers, object)).assign(**numbers, actual=actual)
