"""Tables of an audit's effects: calibration by convention, by how the sets were chosen, over seeds, and in pairs."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from leaveout import seeds
from leaveout.arrays import Array
from leaveout.calibration import SMALL_EFFECTS, STATISTICS, Interval, columns, medians, resamples
from leaveout.comparison import SETS, Comparison, Key, compare
from leaveout.conventions import AS_PUBLISHED, FIXED, PER_SAMPLE, SCHEMA
from leaveout.plotted import PUBLISHED_STRATEGIES
from leaveout.result_rows import read
from leaveout.tables import Kind, calibrated, grouped, named_runs, with_intervals

#: What tells effects of the same set under several conventions apart.
CONVENTIONS = Key(
    (*SETS.columns, "convention"), (*SETS.place, "convention"), SETS.name, carried=("own", "size", "repeat")
)
CONVENTION_NAMES = (PER_SAMPLE, FIXED, AS_PUBLISHED)
#: How sets were chosen: by all strategies that figures show; the top ones as the paper says; and as its code does.
ALL, DESCRIBED, SELECTED = "all strategies", "top as described", "top as the code selects"
#: What is compared set by set: the error of the first estimator less that of the second.
COMPARED = (("if", "rif"), ("rif", "newton"))
#: A run, and what is asked of it.
PLACE = ["dataset", "variant", "evaluation"]
#: What a table of pairs says, each with an interval.
PAIRED = ("closer", "gain")
#: Errors that differ by less, relative to the effect, are the same: for one sample RIF and NS are.
RESOLVED = 1e-9


def read_effects(paths: Iterable[str | Path]) -> Comparison:
    """Predicted beside actual effects of audited runs, under every convention."""
    return compare(pa.concat_tables(read(path, SCHEMA) for path in paths), key=CONVENTIONS)


def conventions_table(pairs: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """Calibration under each convention, and of the top sets as described and as the paper's code selects them.

    Of the first seed, the sets that every method predicts under every convention, each held against a certified truth.

    Parameters
    ----------
    pairs : pandas.DataFrame
        Of `read_effects`.
    bootstrap : int
        Resamples behind each interval: of sets, within strategies.
    seed : int

    Returns
    -------
    pandas.DataFrame
        A row for each data set, variant, evaluation function, ``convention``, ``chosen`` (how the sets were) and
        method: ``sets`` and the statistics of ``calibration``, each with its limits.
    """
    records = []
    for place, group in grouped(pairs[pairs["repeat"] == 0], PLACE):
        whole = group.groupby("set_id")["method"].transform("size")
        for named, chosen in _chosen(group[whole == len(CONVENTION_NAMES) * group["method"].nunique()]):
            strategies = chosen.drop_duplicates("set_id")["strategy"].to_numpy(dtype=str)
            drawn = resamples(strategies, bootstrap, seeds.generator(seed, "conventions", *_words(place)))
            records += [place | named | record for record in calibrated(chosen, drawn)]
    return pd.DataFrame(records, columns=[*PLACE, "convention", "chosen", "method", "sets", *columns(STATISTICS)])


def _chosen(group: pd.DataFrame) -> Iterator[tuple[dict[str, str], pd.DataFrame]]:
    """Sets under each convention, and of each kind of top sets under the run's own."""
    published = group["strategy"].isin(PUBLISHED_STRATEGIES)
    for convention in CONVENTION_NAMES:
        yield {"convention": convention, "chosen": ALL}, group[~published & (group["convention"] == convention)]
    own, top = group["own"].astype(bool), group["strategy"].str.startswith("top_")
    for name, kind in ((DESCRIBED, top), (SELECTED, published)):
        chosen = group[own & kind]
        yield {"convention": "".join(chosen["convention"].unique()), "chosen": name}, chosen


def seeds_table(pairs: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """Calibration on the sets of all seeds, and how far that of single seeds lies apart.

    Parameters
    ----------
    pairs, bootstrap, seed
        As `conventions_table` takes them; what is resampled are strategies and sizes, with the sets of all seeds: top
        sets of one size have half of their samples in common.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, variant, evaluation function and method, under the run's own convention: ``seeds``,
        ``sets``, the statistics of ``calibration`` with their limits, and ``{statistic}_deviation``: the standard
        deviation of the statistic over the seeds, each by itself.
    """
    records = []
    for place, group in grouped(_own(pairs), PLACE):
        single = [part for _, part in group.groupby("repeat")]
        alone = pd.DataFrame(
            [record for part in single for record in calibrated(part, np.ones((1, part["set_id"].nunique())))]
        ).groupby("method")[list(STATISTICS)]
        deviations = alone.std().add_suffix("_deviation")
        for record in calibrated(group, _cells(group, bootstrap, seed, place)):
            spread = deviations.loc[record["method"]].to_dict()
            records.append(place | {"seeds": len(single)} | record | spread)
    found = [*columns(STATISTICS), *(f"{name}_deviation" for name in STATISTICS)]
    return pd.DataFrame(records, columns=[*PLACE, "seeds", "method", "sets", *found])


def paired_table(pairs: pd.DataFrame, bootstrap: int, seed: int) -> pd.DataFrame:
    """Errors of two estimators on the same sets, of all seeds.

    With ``e = |predicted - actual|`` of either estimator:

    - ``closer``: share of the sets where the second estimator has the smaller e (a tie counts half);
    - ``gain``: median of ``(e_first - e_second) / |actual|`` over sets whose effect is not among the smallest tenth.

    Parameters
    ----------
    pairs, bootstrap, seed
        As `seeds_table` takes them.

    Returns
    -------
    pandas.DataFrame
        A row for each data set, variant, evaluation function and pair ``first``, ``second``: ``sets``, and ``closer``
        and ``gain`` with their limits.
    """
    records = []
    for place, group in grouped(_own(pairs), PLACE):
        drawn = _cells(group, bootstrap, seed, place)
        methods = {str(name): part for name, part in group.groupby("method", sort=False)}
        for first, second in COMPARED:
            if {first, second} <= set(methods):
                found = _paired(methods[first], methods[second], drawn)
                records.append(place | {"first": first, "second": second, "sets": len(methods[first])} | found)
    return pd.DataFrame(records, columns=[*PLACE, "first", "second", "sets", *columns(PAIRED)])


def _cells(group: pd.DataFrame, bootstrap: int, seed: int, place: dict[str, Any]) -> Array:
    """How often each set counts in each bootstrap sample, where all sets of a strategy and size are drawn together."""
    sets = group.drop_duplicates("set_id")
    cell = sets.groupby(["strategy", "size"]).ngroup().to_numpy()
    strategies = sets.assign(cell=cell).drop_duplicates("cell").sort_values("cell")["strategy"].to_numpy(dtype=str)
    return resamples(strategies, bootstrap, seeds.generator(seed, "seeds", *_words(place)))[:, cell]


def _paired(first: pd.DataFrame, second: pd.DataFrame, drawn: Array) -> dict[str, float]:
    actual = first["actual"].to_numpy()
    before, after = (np.abs(part["predicted"].to_numpy() - actual) for part in (first, second))
    size, difference = np.abs(actual), before - after
    difference[np.abs(difference) <= RESOLVED * size] = 0.0
    large = size > np.quantile(size, SMALL_EFFECTS)
    closer, gain = (np.sign(difference) + 1) / 2, difference[large] / size[large]
    shares = Interval.around(closer.mean(), drawn @ closer / drawn.sum(axis=1))
    gains = Interval.around(np.median(gain) if len(gain) else np.nan, medians(gain, drawn[:, large]))
    return shares.columns("closer") | gains.columns("gain")


def _own(pairs: pd.DataFrame) -> pd.DataFrame:
    """Sets that every method predicts, of all seeds, under the run's own convention; not the published selection."""
    own = pairs[pairs["own"].astype(bool) & ~pairs["strategy"].isin(PUBLISHED_STRATEGIES)]
    methods = own.groupby([*PLACE, "set_id"])["method"].transform("nunique")
    return own[methods == own["method"].nunique()]


def _words(place: dict[str, Any]) -> tuple[str, str]:
    """What seeds a bootstrap: all evaluation functions of a run share it."""
    return str(place["dataset"]), str(place["variant"])


def readable_conventions(table: pd.DataFrame) -> pd.DataFrame:
    """Statistics with their intervals."""
    return with_intervals(named_runs(table))


def readable_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """The same, and the deviation of the slope over seeds."""
    hidden = [f"{name}_deviation" for name in STATISTICS if name != "slope"]
    shown = with_intervals(named_runs(table.drop(columns=hidden)))
    return shown.assign(slope_deviation=table["slope_deviation"].map("{:.3f}".format))


def readable_pairs(table: pd.DataFrame) -> pd.DataFrame:
    """Shares and gains with their intervals."""
    return with_intervals(named_runs(table), PAIRED)


TABLES: Mapping[str, Kind] = {
    "conventions": Kind(conventions_table, readable_conventions, "Calibration by convention and selection of the sets"),
    "seeds": Kind(seeds_table, readable_seeds, "Calibration over several seeds"),
    "paired": Kind(paired_table, readable_pairs, "Errors of two estimators on the same sets"),
}
