"""The configuration: checked against its schema, completed with defaults, resolved into studies and their runs."""

import difflib
import itertools
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from leaveout.consistency import ABSENT, refusals
from leaveout.defaults import completed, resolved, with_defaults
from leaveout.errors import ConfigError
from leaveout.extension import extended, extension_refusals, given_by
from leaveout.plotted import NOT_PLOTTED

try:  # libyaml's reads the schema in a tenth of the time, which every start of Snakemake takes
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]  # which of them it is, is all the same

#: The variant that a data set's own settings make.
BASE = "base"
#: Settings that variants can change, in the order of their names.
VARIED = ("n_train", "regularization", "regularizer", "intercept")
#: Value of ``n_train`` that is no number.
ALL_SAMPLES = "all"
SCIENTIFIC = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+")


def _matches(_: Any, pattern: str, value: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Patterns as JSON Schema means them: $ is the end, and no line break may follow, as Python allows."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _matches})  # type: ignore[no-untyped-call]


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


@dataclass(frozen=True)
class Config:
    """The whole configuration; ``merged`` is what the files say, with defaults."""

    seed: int
    device: str
    studies: Mapping[str, Study]
    mirror: str | None
    accept_unverified: tuple[str, ...]
    datasets: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, Mapping[str, Any]]
    merged: Mapping[str, Any]


def load(given: Mapping[str, Any], schema_file: str | Path, files: Sequence[str | Path]) -> Config:
    """Check and resolve a configuration.

    Parameters
    ----------
    given : mapping
        All configuration files, merged.
    schema_file : path
        JSON Schema.
    files : sequence of paths
        The files, later ones overriding earlier ones: errors name the one that holds the key.

    Raises
    ------
    ConfigError
        ``file: key = value: what is allowed``.
    """
    try:
        return _load(given, schema_file, files)
    except RecursionError:
        raise ConfigError(
            f"{', '.join(map(str, files)) or '--config'}: a setting holds itself, or others too deep in each other "
            f"(write it out without * and &)"
        ) from None


def _load(given: Mapping[str, Any], schema_file: str | Path, files: Sequence[str | Path]) -> Config:
    schema = yaml.load(Path(schema_file).read_text(encoding="utf-8"), SafeLoader)
    written = _numbers(given)
    for key, value in _not_finite(written):
        raise ConfigError(f"{_file_of(key, files, written)}: {_dotted(key)} = {value}: allowed: finite numbers")
    for key, value, allowed in extension_refusals(written.get("datasets")):
        raise ConfigError(_refusal(key, value, allowed, files, written))
    config = {**written, "datasets": extended(written["datasets"])} if "datasets" in written else written
    error = best_match(_Validator(schema).iter_errors(config))
    if error is not None:
        raise ConfigError(_message(error, schema, files, written))
    merged = completed(with_defaults(config, schema, schema))
    for key, value, allowed in refusals(merged):
        raise ConfigError(_refusal(_as_written(key, written), value, allowed, files, written))
    studies = {name: _study(name, study, merged["datasets"]) for name, study in merged["studies"].items()}
    return Config(
        seed=merged["seed"],
        device=merged["device"],
        studies={name: _borrowing(study, studies) for name, study in studies.items()},
        mirror=merged["mirror"],
        accept_unverified=tuple(merged["accept_unverified"]),
        datasets=merged["datasets"],
        sources=merged["sources"],
        merged=merged,
    )


def _numbers(value: Any) -> Any:
    """Read text such as 1e-5 as the number that its writer meant (YAML demands 1.0e-5), and keys such as 0 as text."""
    if isinstance(value, Mapping):
        return {str(key): _numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return float(value) if isinstance(value, str) and SCIENTIFIC.fullmatch(value) else value


def _not_finite(value: Any) -> Iterator[tuple[list[Any], float]]:
    """Numbers that no bound of a schema refuses: (key, value)."""
    if isinstance(value, float) and not math.isfinite(value):
        yield [], value
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from (([key, *rest], wrong) for rest, wrong in _not_finite(item))


def _refusal(
    key: list[Any], value: Any, allowed: Sequence[str], files: Sequence[str | Path], config: Mapping[str, Any]
) -> str:
    if value is ABSENT:
        return f"{_file_of(key, files, config)}: {_dotted(key)}: missing: {_choice('', allowed)}"
    return f"{_file_of(key, files, config)}: {_dotted(key)} = {_printable(value)}: {_choice(str(value), allowed)}"


def _as_written(key: list[Any], config: Mapping[str, Any]) -> list[Any]:
    """The key where it is written: what a data set takes over stands in the one that it extends."""
    if key[:1] != ["datasets"] or len(key) < 3:
        return key
    return ["datasets", given_by(key[1], key[2], config["datasets"]), *key[2:]]


def _message(
    error: ValidationError, root: Mapping[str, Any], files: Sequence[str | Path], config: Mapping[str, Any]
) -> str:
    key = _as_written(list(error.absolute_path), config)
    schema: Any = error.schema
    value: Any = error.instance
    if error.validator == "additionalProperties":
        known = sorted(schema.get("properties", {}))
        unknown = sorted(set(value) - set(known))[0]
        key.append(unknown)
        return f"{_file_of(key, files, config)}: {_dotted(key)}: unknown key: {_choice(unknown, known)}"
    if error.validator == "required":
        missing = next(name for name in schema["required"] if name not in value)
        allowed = _allowed(resolved(schema["properties"][missing], root))
        if not key:  # nobody leaves it out: the project's own files were not read
            allowed += " (run Snakemake in the folder that holds config/config.yaml and config/datasets.yaml)"
        return f"{_file_of(key, files, config)}: {_dotted([*key, missing])}: missing: {allowed}"
    if "propertyNames" in error.absolute_schema_path:
        codes = "" if value.isascii() else f"; its letters are {value!a}"
        return f"{_file_of([*key, value], files, config)}: {_dotted([*key, value])}: {_allowed(schema)}{codes}"
    return f"{_file_of(key, files, config)}: {_dotted(key)} = {value!r}: {_allowed(schema)}"


def _allowed(schema: Mapping[str, Any]) -> str:
    """What a schema allows, in words."""
    words = {
        "type": "{}",
        "enum": "one of {}",
        "const": "{}",
        "pattern": "matching {}",
        "exclusiveMinimum": "> {}",
        "minimum": ">= {}",
        "exclusiveMaximum": "< {}",
        "maximum": "<= {}",
        "maxLength": "of at most {} characters",
        "minItems": "with at least {} entries",
        "uniqueItems": "without repetitions",
        "minProperties": "with at least {} keys",
    }
    parts = []
    for keyword, phrase in words.items():
        if keyword in schema:
            value = schema[keyword]
            parts.append(phrase.format(", ".join(map(str, value)) if isinstance(value, list) else value))
    if "enum" in schema.get("not", {}):
        parts.append(f"anything but {', '.join(schema['not']['enum'])}")
    described = f" ({schema['description'].rstrip('.')})" if "description" in schema else ""
    return f"allowed: {', '.join(parts) or 'see config/README.md'}{described}"


def _choice(wrong: str, allowed: Sequence[str]) -> str:
    close = difflib.get_close_matches(wrong, allowed, n=1)
    return f"allowed: {', '.join(allowed)}" + (f" (did you mean {close[0]}?)" if close else "")


def _dotted(key: Sequence[Any]) -> str:
    return ".".join(map(_printable, key)) or "the configuration"


def _printable(value: Any) -> str:
    """A key or value as a terminal can show it: signs that move its cursor or turn its text are written as codes."""
    text = str(value)
    return text if text.isprintable() else ascii(text)[1:-1]


def _file_of(key: Sequence[Any], files: Sequence[str | Path], config: Mapping[str, Any]) -> str:
    """The last file that holds the key, or as much of it as any file does; ``--config`` if it stands in none."""
    contents = {str(file): _numbers(yaml.safe_load(Path(file).read_text(encoding="utf-8"))) for file in files}
    if _at(config, key) is not ABSENT:
        holders = [file for file, content in contents.items() if _same(_at(content, key), _at(config, key))]
        return holders[-1] if holders else "--config"
    for length in range(len(key), 0, -1):
        holders = [file for file, content in contents.items() if _at(content, key[:length]) is not ABSENT]
        if holders:
            return holders[-1]
    return next(iter(contents), "--config")


def _at(value: Any, key: Sequence[Any]) -> Any:
    for part in key:
        try:
            value = value[part]
        except (KeyError, IndexError, TypeError):
            return ABSENT
    return value


def _same(found: Any, wanted: Any) -> bool:
    """Whether a file says what the configuration does; of what is merged from several files, each says a part."""
    return repr(found) == repr(wanted) or (isinstance(found, dict) and isinstance(wanted, dict))


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
