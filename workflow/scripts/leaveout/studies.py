"""Studies and their runs, shards and sweeps: what a configuration that is checked and complete asks for."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from leaveout.plotted import NOT_PLOTTED

#: The variant that a data set's own settings make.
BASE = "base"
#: Settings that variants can change, in the order of their names.
VARIED = ("n_train", "regularization", "regularizer", "intercept")
#: Value of ``n_train`` that is no number.
ALL_SAMPLES = "all"


@dataclass(frozen=True)
class Run:
    """One variant of one data set in a study: a model, its removal sets and their effects.

    Attributes
    ----------
    dataset, variant : str
        The run's folder in its study's.
    settings : mapping
        ``regularization``, ``regularizer``, ``intercept``, and ``n_train`` (None: all training samples).
    """

    dataset: str
    variant: str
    settings: Mapping[str, Any]


@dataclass(frozen=True)
class Sweep:
    """Runs of one data set that differ in some settings: a row of Figure 2.

    Attributes
    ----------
    dataset : str
    settings : tuple of str
        What differs between the runs.
    runs : tuple of Run
        In the order of the values.
    """

    dataset: str
    settings: tuple[str, ...]
    runs: tuple[Run, ...]


@dataclass(frozen=True)
class Shard:
    """Removal sets of one strategy that one job measures.

    Attributes
    ----------
    name : str
        By content: the strategy, and where it is not all of it, the percentages of its smallest and largest sizes.
    strategy : str
    sizes : mapping
        ``min``, ``max``, ``count``, and the part ``first`` to ``last`` of these that is meant.
    """

    name: str
    strategy: str
    sizes: Mapping[str, Any]


@dataclass(frozen=True)
class Study:
    """A named set of experiments, with every default filled in.

    Attributes
    ----------
    poisoning, audit : mapping or None
        Settings of these experiments; None where there is none.
    runs_of : str or None
        The study whose models this one uses where both have the run.
    borrowed : set of (str, str)
        Data sets and variants of these runs.
    """

    name: str
    runs: tuple[Run, ...]
    sweeps: tuple[Sweep, ...]
    poisoning: Mapping[str, Any] | None
    audit: Mapping[str, Any] | None
    runs_of: str | None
    strategies: tuple[str, ...]
    sizes: Mapping[str, Any]
    repeats: int
    evaluations: tuple[str, ...]
    bootstrap: int
    sizes_per_shard: int
    borrowed: frozenset[tuple[str, str]] = frozenset()

    def home(self, dataset: str, variant: str) -> str:
        """The study in whose folder the model of a run is."""
        return self.runs_of if self.runs_of and (dataset, variant) in self.borrowed else self.name

    def shards(self, strategies: Sequence[str]) -> list[Shard]:
        """Shards of some strategies, in the order of their sizes."""
        return [shard for shard in self._shards.values() if shard.strategy in strategies]

    def shard(self, name: str) -> Shard:
        """The shard of that name."""
        return self._shards[name]

    @cached_property
    def _shards(self) -> Mapping[str, Shard]:
        """All shards by name; sizes that are all the same make one."""
        count = self.sizes["count"]
        step = min(self.sizes_per_shard, count)
        values = evenly_spaced(self.sizes["min"], self.sizes["max"], count)
        digits = next((d for d in (4, 8) if len({f"{value:.{d}g}" for value in values}) == count), 17)
        percent = [f"{value:.{digits}g}" for value in values]
        found: dict[str, Shard] = {}
        for strategy in self.strategies:
            for first in range(0, count, step):
                last = min(first + step, count) - 1
                name = strategy if step == count else f"{strategy}-{percent[first]}-{percent[last]}"
                found.setdefault(name, Shard(name, strategy, {**self.sizes, "first": first, "last": last}))
        return found

    def run(self, dataset: str, variant: str) -> Run:
        """The run of that name."""
        return next(run for run in self.runs if (run.dataset, run.variant) == (dataset, variant))

    @property
    def plotted_strategies(self) -> tuple[str, ...]:
        """Strategies that figures and calibration show."""
        return tuple(strategy for strategy in self.strategies if strategy not in NOT_PLOTTED)

    @property
    def base_runs(self) -> tuple[Run, ...]:
        """Runs under their data sets' own settings."""
        return tuple(run for run in self.runs if run.variant == BASE)

    @property
    def listed_runs(self) -> tuple[Run, ...]:
        """One run of each data set: under its own settings, or the one of most training samples that the study has."""
        names = dict.fromkeys(run.dataset for run in self.runs)
        of = {name: [run for run in self.runs if run.dataset == name] for name in names}
        return tuple(max(runs, key=_closeness) for runs in of.values())

    @property
    def swept_runs(self) -> tuple[Run, ...]:
        """Runs of the sweeps, each once."""
        names = {(run.dataset, run.variant) for sweep in self.sweeps for run in sweep.runs}
        return tuple(run for run in self.runs if (run.dataset, run.variant) in names)


def evenly_spaced(first: float, last: float, count: int) -> list[float]:
    """``count`` numbers from first to last, the same to the bit as numpy's: shards are named by what they round to.

    Jobs are planned where Snakemake is, and it does not bring numpy.
    """
    if count == 1:
        return [first]
    step = (last - first) / (count - 1)
    return [*(i * step + first for i in range(count - 1)), last]


def _closeness(run: Run) -> tuple[bool, float]:
    """How near a run is to its data set's own settings; None is all training samples."""
    return run.variant == BASE, run.settings["n_train"] or math.inf


def studies_of(merged: Mapping[str, Any]) -> dict[str, Study]:
    """All studies by name, of a configuration that is checked and has its defaults."""
    studies = {name: _study(name, study, merged["datasets"]) for name, study in merged["studies"].items()}
    return {name: _borrowing(study, studies) for name, study in studies.items()}


def _study(name: str, study: Mapping[str, Any], datasets: Mapping[str, Any]) -> Study:
    base = tuple(Run(dataset, BASE, _settings(datasets[dataset])) for dataset in study["datasets"])
    sweeps = tuple(_sweep(variation, base, datasets) for variation in study["vary"])
    runs = [*base, *(run for sweep in sweeps for run in sweep.runs)]
    removal = study["removal"]
    return Study(
        name=name,
        runs=tuple({(run.dataset, run.variant): run for run in runs}.values()),
        sweeps=sweeps,
        poisoning=study.get("poisoning"),
        audit=study.get("audit"),
        runs_of=study.get("runs_of"),
        strategies=tuple(removal["strategies"]),
        sizes=removal["sizes"],
        repeats=removal["repeats"],
        evaluations=tuple(study["evaluations"]),
        bootstrap=study["bootstrap"],
        sizes_per_shard=study["sizes_per_shard"],
    )


def _borrowing(study: Study, studies: Mapping[str, Study]) -> Study:
    """The study with the runs that it shares with another one."""
    if study.runs_of is None:
        return study
    own, others = ({(run.dataset, run.variant) for run in each.runs} for each in (study, studies[study.runs_of]))
    return replace(study, borrowed=frozenset(own & others))


def _sweep(variation: Mapping[str, Any], base: Sequence[Run], datasets: Mapping[str, Any]) -> Sweep:
    """One run for each combination of values; the data set's own settings are its base run, if the study has it."""
    dataset, varied = variation["dataset"], tuple(setting for setting in VARIED if setting in variation)
    runs = []
    for values in itertools.product(*(variation[setting] for setting in varied)):
        changed = dict(zip(varied, values, strict=True))
        settings = _settings(datasets[dataset]) | changed
        if settings["n_train"] == ALL_SAMPLES:
            settings["n_train"] = None
        own = Run(dataset, BASE, settings)
        runs.append(own if own in base else Run(dataset, variant_name(changed), settings))
    return Sweep(dataset, varied, tuple(runs))


def _settings(dataset: Mapping[str, Any]) -> dict[str, Any]:
    return {"n_train": None} | {setting: dataset[setting] for setting in VARIED if setting in dataset}


def variant_name(changed: Mapping[str, Any]) -> str:
    """Name of the variant that changes some settings: ``n_train=769,regularization=0.001``."""
    return ",".join(f"{setting}={changed[setting]}" for setting in VARIED if setting in changed)
