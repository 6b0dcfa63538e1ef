"""Lineage of results: which settings decide each file, and from which other results it is made.

Knows no rule and no configuration: settings are functions of wildcards. Jobs are planned with it: it needs nothing but
Python's own packages.
"""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from types import SimpleNamespace
from typing import Any

from leaveout.stamps import Stamp, date


class Product:
    """A result, or several that one job makes.

    Parameters
    ----------
    files : sequence of str
        Patterns of their paths, ``{name}`` for a wildcard; the first one names the result in its stamp.
    after : sequence of Product
        Results that it is made from, whose wildcards are among its own.
    settings : mapping from name to function of wildcards
        What else decides it.
    """

    def __init__(
        self, files: Sequence[str], after: Sequence["Product"], settings: Mapping[str, Callable[[Any], Any]]
    ) -> None:
        self.files, self.after, self.settings = files, after, settings
        self._names = re.findall(r"{(\w+)}", files[0])
        self._paths = [re.compile(re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(file))) for file in files]
        self._known: dict[tuple[str, ...], Stamp] = {}

    @property
    def params(self) -> Mapping[str, Callable[[Any], Any]]:
        """What a rule hands to its job: the settings, and the stamp for its files."""
        return {**self.settings, "stamp": self.stamp}

    def stamp(self, wildcards: Any) -> str:
        """The stamp that a job puts into its files."""
        return str(self._made(wildcards))

    def stamp_of(self, path: str) -> str | None:
        """The stamp that the file at a path should have; None if this product has no such path."""
        match = next(filter(None, (pattern.fullmatch(path) for pattern in self._paths)), None)
        return self.stamp(SimpleNamespace(**match.groupdict())) if match else None

    def outdated(self, wildcards: Any) -> list[str]:
        """No input: files that are there and were made by other settings are dated back (see `stamps.date`)."""
        for file in self._formatted(wildcards):
            with suppress(OSError):  # somebody else's file: its reader refuses it
                date(file, self._made(wildcards))
        return []

    def _made(self, wildcards: Any) -> Stamp:
        key = tuple(getattr(wildcards, name) for name in self._names)
        if key not in self._known:
            settings = {name: value(wildcards) for name, value in self.settings.items()}
            before = [product.stamp(wildcards) for product in self.after]
            self._known[key] = Stamp(self._formatted(wildcards)[0], digest([settings, before]))
        return self._known[key]

    def _formatted(self, wildcards: Any) -> list[str]:
        values = {name: getattr(wildcards, name) for name in self._names}
        return [file.format(**values) for file in self.files]


class Lineage:
    """All products of a workflow."""

    def __init__(self) -> None:
        self._products: list[Product] = []

    def product(self, *files: str, after: Sequence[Product] = (), **settings: Callable[[Any], Any]) -> Product:
        """Add a `Product`."""
        self._products.append(Product(files, after, settings))
        return self._products[-1]

    def stamps(self, wildcards: Any, input: Iterable[str]) -> dict[str, str]:  # noqa: A002 (Snakemake's name)
        """The stamps that a job's input files should have, of those that have one."""
        return {path: stamp for path in input if (stamp := self._stamp_of(path)) is not None}

    def together(self, paths: Callable[[Any], Iterable[str]]) -> Callable[[Any], str]:
        """Digest of the stamps that some files should have, as a function of wildcards."""
        return partial(self._together, paths)

    def _together(self, paths: Callable[[Any], Iterable[str]], wildcards: Any) -> str:
        return digest(list(map(self._stamp_of, paths(wildcards))))

    def _stamp_of(self, path: str) -> str | None:
        return next(filter(None, (product.stamp_of(path) for product in self._products)), None)


def digest(content: Any) -> str:
    """16 digits of what can be written as JSON."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
