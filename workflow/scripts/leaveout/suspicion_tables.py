r"""Tables of suspicious samples: how well rankings find what was planted, and who stands at the top of the data as is.

Over several draws of m planted samples, for each ranking of all n + m training samples:

    auroc      probability that a planted sample ranks before another one, ties counting half
    recall     share of the planted samples among the first m
    top_rise   mean rise of their own loss, by certified retraining, without the samples at the top
    slope      of the predicted on the actual rises of these, least squares through the origin

as means over draws with Student's 95 % intervals of the mean, cut to what is possible, and the differences of the two
rankings of the same draws.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.stats import rankdata
from scipy.stats import t as student

from leaveout.arrays import Array, BoolArray
from leaveout.certificate import Status
from leaveout.effects import RETRAIN
from leaveout.suspicion import METHODS

STATISTICS = ("auroc", "recall", "top_rise", "slope")
#: What the statistics that have limits can be; differences of them can be as much below zero.
POSSIBLE = {"auroc": (0.0, 1.0), "recall": (0.0, 1.0)}
MODELS = ("retrained", "certified")
CONTROL, DIFFERENCE = "control", "rif - if"
CONFIDENCE = 0.95


def detection_table(rows: pa.Table) -> pd.DataFrame:
    """Statistics of each ranking, of RIF's less IF's, and of the random control, with intervals over draws.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of ``suspicion.SCHEMA``; retrains that are not certified do not count.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, variant and ranking: ``planted`` (m), ``draws``, ``retrained`` and ``certified``
        (models behind the row), and each statistic with ``_low`` and ``_high``.
    """
    records = []
    for (dataset, variant), run in rows.to_pandas().groupby(["dataset", "variant"], sort=False):
        draws = [_statistics(draw) for _, draw in run.groupby("draw")]
        planted = int(run[run["planted"]].groupby("draw")["id"].nunique().max())
        for ranking in (*METHODS, DIFFERENCE, CONTROL):
            record = {"dataset": dataset, "variant": variant, "planted": planted, "draws": len(draws)}
            record |= {"ranking": ranking}
            if ranking != DIFFERENCE:
                record |= {name: sum(draw[ranking][name] for draw in draws) for name in MODELS}
            for name in STATISTICS:
                least, most = POSSIBLE.get(name, (-np.inf, np.inf))
                values = np.array([draw[ranking][name] for draw in draws])
                value, low, high = mean_interval(values, least - (ranking == DIFFERENCE), most)
                record |= {name: value, f"{name}_low": low, f"{name}_high": high}
            records.append(record)
    return pd.DataFrame(records).astype(dict.fromkeys(MODELS, "Int64"))


def _statistics(draw: pd.DataFrame) -> dict[str, dict[str, float]]:
    """The four statistics of each ranking of one draw, and of the control."""
    truth = draw[draw["method"] == RETRAIN]
    certified = truth[truth["status"] == Status.CONVERGED.value]
    control, size = certified[certified["control"]], int(truth["control"].sum())
    rises = dict(zip(certified["id"], certified["effect"], strict=True))
    found = {method: _of_ranking(draw[draw["method"] == method], rises, size) for method in METHODS}
    return found | {
        DIFFERENCE: {name: found["rif"][name] - found["if"][name] for name in found["rif"]},
        CONTROL: dict.fromkeys(STATISTICS, np.nan)
        | {"top_rise": _mean(control["effect"].to_numpy()), "retrained": size, "certified": len(control)},
    }


def _of_ranking(ranked: pd.DataFrame, rises: Mapping[str, float], size: int) -> dict[str, float]:
    top = ranked[ranked["rank"] <= size]
    known = top[top["id"].isin(list(rises))]
    predicted, actual = known["effect"].to_numpy(), np.array([rises[name] for name in known["id"]])
    planted = ranked.loc[ranked["planted"], "rank"].to_numpy()
    return {
        "auroc": auroc(ranked["effect"].to_numpy(), ranked["planted"].to_numpy()),
        "recall": float(np.mean(planted <= len(planted))),
        "top_rise": _mean(actual),
        "slope": float(predicted @ actual / (actual @ actual)) if actual.any() else np.nan,
        "retrained": len(top),
        "certified": len(known),
    }


def _mean(values: Array) -> float:
    return float(values.mean()) if len(values) else np.nan


def auroc(rises: Array, planted: BoolArray) -> float:
    """Probability that a planted sample rises more than another one, ties counting half: Mann and Whitney's U."""
    m, n = int(planted.sum()), len(planted)
    return float((rankdata(rises)[planted].sum() - m * (m + 1) / 2) / (m * (n - m)))


def mean_interval(values: Array, least: float = -np.inf, most: float = np.inf) -> tuple[float, float, float]:
    """Mean over draws and Student's 95 % interval of it, cut to ``least`` and ``most``.

    NaN where nothing is known; no limits of a single draw.
    """
    known = values[np.isfinite(values)]
    if len(known) < 2:
        return _mean(known), np.nan, np.nan
    mean, deviation = float(known.mean()), float(known.std(ddof=1))
    reach = float(student.ppf((1 + CONFIDENCE) / 2, len(known) - 1)) * deviation / len(known) ** 0.5
    return mean, max(least, mean - reach), min(most, mean + reach)


def suspects_table(rows: pa.Table) -> pd.DataFrame:
    """The most suspicious samples of each run, by RIF, beside what retraining without each of them says.

    Parameters
    ----------
    rows : pyarrow.Table
        Rows of ``suspicion.SCHEMA``.

    Returns
    -------
    pandas.DataFrame
        A row for each of the samples at the top of RIF's ranking that were retrained without: ``rank``, ``id``, ``y``,
        the predicted rises ``rif`` and ``if`` with the latter's ``if_rank``, the ``actual`` rise with ``effect_error``
        and ``status``; it is missing where it is not certified.
    """
    records = []
    for (dataset, variant), run in rows.to_pandas().groupby(["dataset", "variant"], sort=False):
        of = {method: part.set_index("id") for method, part in run.groupby("method")}
        truth = of[RETRAIN]
        top = of["rif"].sort_values("rank").head(int(truth["control"].sum()))
        for name, sample in top.iterrows():
            certified = truth.loc[name, "status"] == Status.CONVERGED.value
            records.append(
                {
                    "dataset": dataset,
                    "variant": variant,
                    "rank": sample["rank"],
                    "id": name,
                    "y": sample["y"],
                    "rif": sample["effect"],
                    "if": of["if"].loc[name, "effect"],
                    "if_rank": of["if"].loc[name, "rank"],
                    "actual": truth.loc[name, "effect"] if certified else np.nan,
                    "effect_error": truth.loc[name, "effect_error"],
                    "status": truth.loc[name, "status"],
                }
            )
    return pd.DataFrame(records).astype({"rank": int, "if_rank": int})


def readable_suspects(table: pd.DataFrame) -> pd.DataFrame:
    """Rises with three digits; the error of the actual one in scientific notation."""
    shown = {name: table[name].map("{:.3g}".format, na_action="ignore") for name in ("rif", "if", "actual")}
    shown |= {"effect_error": table["effect_error"].map("{:.1e}".format, na_action="ignore")}
    return table.astype(dict.fromkeys(shown, object)).assign(**shown)
