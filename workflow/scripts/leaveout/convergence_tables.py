"""What stopping early does to the truth, and to what the truth says of the estimators.

Everything that is compared has a judge, what it is held against:

=============  =================================================================================================
judge          effects of
=============  =================================================================================================
``certified``  certified retrained models
``stopped``    models retrained by the published rule, from the certified optimum's Newton step
``simplified``   models retrained by simplified Newton steps from there, whether they converge or not
``pipeline``   models retrained by that rule from the published mixture's Newton step, at a full model that is fitted
               by it too; effects are relative to that model
=============  =================================================================================================

IF, RIF and NS are held against each, those at the published full model against ``pipeline``; the other judges are held
against the first themselves.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import published, seeds
from leaveout.arrays import Array
from leaveout.calibration import STATISTICS, Interval, calibrate, columns, resamples
from leaveout.certificate import Status
from leaveout.conventions import PER_SAMPLE, SCHEMA
from leaveout.effects import PREDICTIONS, RETRAIN
from leaveout.plotted import PLOTTED_EVALUATIONS
from leaveout.result_rows import read
from leaveout.tables import grouped, named_runs, with_intervals

CERTIFIED, STOPPED, SIMPLIFIED, PIPELINE = "certified", "stopped", published.SIMPLIFIED, "pipeline"
#: Judges that nothing certifies: the base that each starts from, and the method of its models.
UNCHECKED = {
    STOPPED: (published.CERTIFIED, RETRAIN),
    SIMPLIFIED: (published.CERTIFIED, published.SIMPLIFIED),
    PIPELINE: (published.PUBLISHED, RETRAIN),
}
#: Reasons to end that are no success.
FAILED = ("limit", "line_search")
#: Relative error beyond which an effect is off.
OFF = 0.1
#: Statistics that have limits.
LIMITED = (*STATISTICS, "off")
#: Evaluation functions that readers see; the csv has all.
SHOWN = (*PLOTTED_EVALUATIONS, "self_loss_plain")
#: A set, and one evaluation function of it.
KEY = ["dataset", "variant", "strategy", "size", "set_id", "evaluation"]
PLACE = ["dataset", "variant", "evaluation"]
#: What tells how a retrained model was stopped.
EVIDENCE = ["gradient_norm", "evaluations", "reason"]


@dataclass(frozen=True, eq=False)
class Judged:
    """Effects beside those that they are held against, and what had to be left out.

    Attributes
    ----------
    pairs : pandas.DataFrame
        `KEY`, ``method`` (``stopped``, ``simplified``, ``pipeline``, ``if``, ``rif``, ``newton``), ``judge``,
        ``predicted``, ``actual``, and for the first three methods `EVIDENCE`.
    left_out : list of str
        Sets whose certified truth or a prediction is missing, each with what is.
    """

    pairs: pd.DataFrame
    left_out: list[str]


def read_judged(rows: Iterable[str | Path], effects: Iterable[str | Path]) -> Judged:
    """Read what audits know of some runs: rows of ``published.SCHEMA``, and of ``conventions.SCHEMA`` for the truth."""
    found = pa.concat_tables(read(path, published.SCHEMA) for path in rows).to_pandas()
    columns = [*KEY, "convention", "method", "effect", "status"]
    truth = pa.concat_tables(read(path, SCHEMA, columns) for path in effects).to_pandas()
    return judged(found, truth)


def judged(rows: pd.DataFrame, effects: pd.DataFrame) -> Judged:
    """Set the rows of both kinds beside each other; sets of which anything is missing are left out."""
    proved = effects["status"] == Status.CONVERGED.value
    certified = effects[proved & (effects["convention"] == PER_SAMPLE) & (effects["method"] == RETRAIN)]
    truths = {CERTIFIED: certified.rename(columns={"effect": "actual"})[[*KEY, "actual"]]}
    for judge, (base, method) in UNCHECKED.items():
        retrained = rows[(rows["base"] == base) & (rows["method"] == method)]
        truths[judge] = retrained.rename(columns={"effect": "actual"})[[*KEY, "actual", *EVIDENCE]]
    parts = []
    for judge, (base, _) in UNCHECKED.items():
        seen = truths[judge].rename(columns={"actual": "predicted"}).assign(method=judge)
        parts.append(_beside(seen, truths[CERTIFIED], CERTIFIED))
        predicted = rows[(rows["base"] == base) & rows["method"].isin(PREDICTIONS)]
        named = predicted.rename(columns={"effect": "predicted"})[[*KEY, "method", "predicted"]]
        judges = [judge, CERTIFIED] if judge == STOPPED else [judge]  # what predicts is the same for two of them
        parts += [_beside(named, truths[other][[*KEY, "actual"]], other) for other in judges]
    pairs = pd.concat(parts, ignore_index=True)
    incomplete = pairs[["predicted", "actual"]].isna().any(axis=1)
    names = pairs[incomplete].drop_duplicates(KEY[:-1])
    missing = [
        f"{row.dataset}/{row.variant}: {row.set_id} (not certified, or not computed)" for row in names.itertuples()
    ]
    whole = ~pairs.set_index(KEY[:-1]).index.isin(names.set_index(KEY[:-1]).index)
    return Judged(pairs[whole].reset_index(drop=True), missing)


def _beside(predicted: pd.DataFrame, actual: pd.DataFrame, judge: str) -> pd.DataFrame:
    return predicted.merge(actual, on=KEY, how="left", validate="many_to_one").assign(judge=judge)


def convergence_table(pairs: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """How far the published truth is off, and how good each estimator looks to each judge, on the same sets.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Of `Judged`.
    bootstrap : int
        Resamples behind each interval.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each data set, variant, evaluation function, method and judge: ``sets``; the statistics of
        ``calibration`` and ``off``, the share of sets with ``|predicted - actual| > 0.1 |actual|``, each with its
        limits; and of the retrained models the medians of ``gradient_norm`` (mean form) and ``evaluations``, and the
        shares ``unmoved``, of those that never left the Newton step, and ``failed``, of those that ended for a reason
        in `FAILED`.
    """
    records = []
    for place, group in grouped(pairs, PLACE):
        strategies = group.drop_duplicates("set_id")["strategy"].to_numpy(dtype=str)
        words = ("convergence", place["dataset"], place["variant"])
        drawn = resamples(strategies, bootstrap, seeds.generator(seed, *words))
        for held, compared in grouped(group, ["method", "judge"]):
            records.append(place | held | {"sets": len(compared)} | _statistics(compared, drawn) | _stopping(compared))
    evidence = ["gradient_norm", "evaluations", "unmoved", "failed"]
    return pd.DataFrame(records, columns=[*PLACE, "method", "judge", "sets", *columns(LIMITED), *evidence])


def _statistics(compared: pd.DataFrame, drawn: Array) -> dict[str, float]:
    predicted, actual = (compared[name].to_numpy() for name in ("predicted", "actual"))
    off = (np.abs(predicted - actual) > OFF * np.abs(actual)).astype(np.float64)
    found = {**calibrate(actual, predicted, drawn), "off": Interval.around(off.mean(), drawn @ off / len(off))}
    return {column: number for name in LIMITED for column, number in found[name].columns(name).items()}


def _stopping(compared: pd.DataFrame) -> dict[str, float]:
    """Medians of the retrained models, NaN for what is not retrained."""
    retrained = compared[compared["evaluations"].notna()]
    return {
        "gradient_norm": float(retrained["gradient_norm"].median()),
        "evaluations": float(retrained["evaluations"].median()),
        "unmoved": float((retrained["evaluations"] == 1).mean()),
        "failed": float(retrained["reason"].isin(FAILED).mean()),
    }


def readable_convergence(table: pd.DataFrame) -> pd.DataFrame:
    """Statistics with their intervals, for the evaluation functions that readers see."""
    shown = with_intervals(named_runs(table[table["evaluation"].isin(SHOWN)]), LIMITED)
    forms = {"gradient_norm": "{:.0e}", "evaluations": "{:.0f}", "unmoved": "{:.2f}", "failed": "{:.2f}"}
    texts = {name: shown[name].map(form.format, na_action="ignore") for name, form in forms.items()}
    return shown.astype(dict.fromkeys(forms, object)).assign(**texts)
