"""Data sets that extend another: they take over every key that they do not give themselves."""

from collections.abc import Iterator, Mapping
from typing import Any

EXTENDS = "extends"


def extended(entries: Any) -> Any:
    """Fill in what entries take over; a key that an entry gives replaces the other's whole value."""
    return {name: _resolved(name, entries) for name in entries} if isinstance(entries, Mapping) else entries


def given_by(name: str, key: Any, entries: Mapping[str, Any]) -> str:
    """Name of the entry that gives a key: the entry itself, or the nearest that it extends."""
    giver = name
    while isinstance(entries[giver], Mapping) and key not in entries[giver] and EXTENDS in entries[giver]:
        giver = entries[giver][EXTENDS]
    return giver if isinstance(entries[giver], Mapping) and key in entries[giver] else name


def _resolved(name: str, entries: Mapping[str, Any]) -> Any:
    entry = entries[name]
    if not isinstance(entry, Mapping) or EXTENDS not in entry:
        return entry
    parent = _resolved(entry[EXTENDS], entries)
    return {**parent, **entry} if isinstance(parent, Mapping) else entry


def extension_refusals(entries: Any) -> Iterator[tuple[list[Any], Any, list[str]]]:
    """Entries that extend nothing, or in the end themselves: (key, value, what is allowed)."""
    for name in entries if isinstance(entries, Mapping) else ():
        chain = [name]
        while isinstance(entries[chain[-1]], Mapping) and EXTENDS in entries[chain[-1]]:
            parent = entries[chain[-1]][EXTENDS]
            if not isinstance(parent, str) or parent not in entries or parent in chain:
                yield ["datasets", chain[-1], EXTENDS], parent, sorted(set(entries) - set(chain))
                break
            chain.append(parent)
