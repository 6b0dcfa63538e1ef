"""Files that exist completely or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def complete(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; it becomes ``path`` when the block ends without an error."""
    final = Path(path)
    unfinished = final.with_name(f".unfinished.{final.name}")
    try:
        yield unfinished
        unfinished.replace(final)
    finally:
        unfinished.unlink(missing_ok=True)
