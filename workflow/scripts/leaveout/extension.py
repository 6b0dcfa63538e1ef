"""Data sets that extend another: they take over every key that they do not give themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

EXTENDS = "extends"


def extended(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Fill in what entries take over; a key that an entry gives replaces the other's whole value."""
    return {name: _resolved(name, entries) for name in entries}


def _resolved(name: str, entries: Mapping[str, Any]) -> Any:
    entry = entries[name]
    if not isinstance(entry, Mapping) or EXTENDS not in entry:
        return entry
    return {**_resolved(entry[EXTENDS], entries), **entry}


def extension_refusals(entries: Any) -> Iterator[tuple[list[Any], Any, list[str]]]:
    """Entries that extend nothing, or in the end themselves: (key, value, what is allowed)."""
    for name in entries if isinstance(entries, Mapping) else ():
        chain = [name]
        while isinstance(entries[chain[-1]], Mapping) and EXTENDS in entries[chain[-1]]:
            parent = entries[chain[-1]][EXTENDS]
            if parent not in entries or parent in chain:
                yield ["datasets", chain[-1], EXTENDS], parent, sorted(set(entries) - set(chain))
                break
            chain.append(parent)
