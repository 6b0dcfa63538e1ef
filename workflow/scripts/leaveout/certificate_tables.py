"""Table of certificates: what proves each retrained model of a study, and the names of those that nothing proves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from leaveout import effects, poisoning, suspicion
from leaveout.certificate import Status
from leaveout.effects import RETRAIN
from leaveout.result_rows import CERTIFICATE, read
from leaveout.tables import grouped


@dataclass(frozen=True)
class Experiment:
    """Where the retrained models of an experiment stand.

    Attributes
    ----------
    schema : pyarrow.Schema
        Of its rows.
    key : tuple of str
        Columns that tell the models of a run apart.
    name : str
        How readers find a model: a pattern that the key fills in.
    """

    schema: pa.Schema
    key: tuple[str, ...]
    name: str


#: All experiments that retrain, in the order of the table.
EXPERIMENTS: Mapping[str, Experiment] = {
    "removal sets": Experiment(effects.SCHEMA, ("set_id",), "{set_id}"),
    "influential groups": Experiment(effects.SCHEMA, ("set_id",), "{set_id}"),
    "poisoning": Experiment(poisoning.SCHEMA, ("id",), "{id}"),
    "detection": Experiment(suspicion.SCHEMA, ("draw", "id"), "draw {draw}: {id}"),
    "suspects": Experiment(suspicion.SCHEMA, ("id",), "{id}"),
}
#: The run, and what its certificates say at worst.
PLACE, WORST = ("dataset", "variant"), ("gradient_norm", "newton_decrement", "iterations", "effect_error")
COLUMNS = ("experiment", *PLACE, "models", "certified", *WORST, "not_certified")


def certificates_table(files: Mapping[str, Iterable[str | Path]]) -> pd.DataFrame:
    """What proves the ground truth: how many retrained models are certified and how well, and which are not.

    Parameters
    ----------
    files : mapping from experiment to paths
        Rows of some of the `EXPERIMENTS`; one that a study does not make has no files.

    Returns
    -------
    pandas.DataFrame
        A row for each experiment, data set and variant: ``models``, how many of them are ``certified``, and among these
        the largest ``gradient_norm`` (mean form), ``newton_decrement``, ``iterations`` and ``effect_error``, missing
        where one of them does not say; the names and status of the others in ``not_certified``.

    Raises
    ------
    InvalidResults
        A file is damaged, or does not have its experiment's columns.
    """
    records = []
    for experiment, paths in files.items():
        found = EXPERIMENTS[experiment]
        retrains = [_retrains(path, found) for path in paths]
        if retrains:
            records += [
                {"experiment": experiment} | run | _proof(rows, found)
                for run, rows in grouped(pd.concat(retrains), PLACE)
            ]
    return pd.DataFrame(records, columns=[*COLUMNS]).astype({"iterations": "Int64"})


def _retrains(path: str | Path, experiment: Experiment) -> pd.DataFrame:
    """Retrained models of a file: a row for each, or for each evaluation function that it was asked for."""
    rows = read(path, experiment.schema).filter(pc.field("method") == RETRAIN)
    return rows.select([*PLACE, *experiment.key, *(field.name for field in CERTIFICATE)]).to_pandas()


def _proof(rows: pd.DataFrame, experiment: Experiment) -> dict[str, object]:
    """Entries of one run."""
    proved = rows["status"] == Status.CONVERGED.value
    models, certified = (part.drop_duplicates([*experiment.key]) for part in (rows, rows[proved]))
    failed = rows[~proved].drop_duplicates([*experiment.key]).to_dict("records")
    worst = {name: rows.loc[proved, name].max(skipna=False) for name in WORST}  # what is not known may be the worst
    names = [f"{experiment.name.format_map(model)} ({model['status']})" for model in failed]
    return {"models": len(models), "certified": len(certified)} | worst | {"not_certified": "; ".join(names)}


def readable_certificates(table: pd.DataFrame) -> pd.DataFrame:
    """Norms and bounds in scientific notation, and a dash where nothing is certified."""
    scientific = ("gradient_norm", "newton_decrement", "effect_error")
    shown = {name: table[name].map("{:.1e}".format, na_action="ignore") for name in scientific}
    return table.astype(dict.fromkeys(scientific, object)).assign(**shown)
