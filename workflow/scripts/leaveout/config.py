"""The configuration: read, checked against its schema and completed with defaults; what is wrong, by file and key."""

import difflib
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import ValidationError, best_match

from leaveout.consistency import ABSENT, refusals
from leaveout.defaults import completed, resolved, with_defaults
from leaveout.errors import ConfigError
from leaveout.extension import extended, extension_refusals, given_by
from leaveout.studies import Study, studies_of

try:  # libyaml's reads the schema in a tenth of the time, which every start of Snakemake takes
    from yaml import CSafeLoader as SafeLoader
except ImportError:
    from yaml import SafeLoader  # type: ignore[assignment]  # which of them it is, is all the same

SCIENTIFIC = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+")


def _matches(_: Any, pattern: str, value: Any, schema: Mapping[str, Any]) -> Iterator[ValidationError]:
    """Patterns as JSON Schema means them: $ is the end, and no line break may follow, as Python allows."""
    if isinstance(value, str) and not re.search(re.sub(r"\$$", r"\\Z", pattern), value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


_Validator = validators.extend(Draft202012Validator, {"pattern": _matches})  # type: ignore[no-untyped-call]


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
    return Config(
        seed=merged["seed"],
        device=merged["device"],
        studies=studies_of(merged),
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
