"""What a configuration leaves out: the defaults of its schema, and those that follow from other keys."""

from collections.abc import Mapping
from typing import Any

from jsonschema import Draft202012Validator

#: Licence of a source whose files are all the user's own.
OWN = "own"


def with_defaults(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any]) -> Any:
    """Fill in the schema's defaults, below objects and lists too; 1 and 1.0 become the same number."""
    schema = resolved(schema, root)
    if isinstance(value, list):
        return [with_defaults(item, schema.get("items", {}), root) for item in value]
    for clause in schema.get("allOf", []):
        if Draft202012Validator(clause["if"]).is_valid(value):
            return with_defaults(value, clause["then"], root)
    if not isinstance(value, dict):
        kinds = {"integer": int, "number": float}
        kind = next((kinds[name] for name in kinds if name in str(schema.get("type"))), None)
        return value if kind is None or isinstance(value, str) else kind(value)
    properties = schema.get("properties", {})
    missing = {key: child["default"] for key, child in properties.items() if "default" in child and key not in value}
    other = schema.get("additionalProperties") or {}
    return {key: with_defaults(item, properties.get(key, other), root) for key, item in (value | missing).items()}


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Mapping[str, Any]:
    """The definition that a schema refers to; itself if it is one."""
    found: Mapping[str, Any] = root["$defs"][schema["$ref"].rsplit("/", 1)[1]] if "$ref" in schema else schema
    return found


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """A data set without a title is called by its name; a source of nothing but own files has the licence "own".

    Of a design it is known how large the problem is.
    """
    datasets = {name: {"title": name, **_designed_size(entry), **entry} for name, entry in config["datasets"].items()}
    sources = {
        name: {"license": OWN, **source} if all(map(users_own, source["files"].values())) else source
        for name, source in config["sources"].items()
    }
    return {**config, "datasets": datasets, "sources": sources}


def _designed_size(entry: Mapping[str, Any]) -> dict[str, Any]:
    """What is expected of samples that are made up, by design and split; of others that is not known."""
    design, split = entry["source"], entry["split"]
    if isinstance(design, str) or split == "source":
        return {}
    return {"expected": {"n_train": max(2, int(split["train"] * design["samples"])), "d": design["features"]}}


def users_own(file: Mapping[str, Any]) -> bool:
    """Whether a source file is the user's, read where it is: neither downloaded nor of a package."""
    return not {"url", "package"} & set(file)
