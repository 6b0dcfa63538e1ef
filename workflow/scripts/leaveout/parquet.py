"""Parquet files: complete and undamaged or refused, and read without loading what most jobs have no use for."""

import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from leaveout import files
from leaveout.errors import InvalidResults
from leaveout.stamps import KEY

#: Key of a file's metadata under which its own digest stands, and what stands there while it is computed.
DIGEST, ZEROS = b"file_sha256", b"0" * 64
#: How the file begins to say it: the key, and in Parquet's encoding that a text of 64 bytes follows.
_MARK = DIGEST + b"\x18\x40"


def read(path: str | Path, columns: Sequence[str] | None = None) -> pa.Table:
    """Read a file, all its columns or some; raises InvalidResults as `opened` does."""
    with opened(path) as file:
        return read_columns(path, file, columns)


def read_columns(path: str | Path, file: pq.ParquetFile, columns: Sequence[str] | None = None) -> pa.Table:
    """Read columns of a file that is open; ``path`` names it in errors."""
    with _readable(path):
        rows = file.read(columns)
    metadata = {key: value for key, value in (rows.schema.metadata or {}).items() if key != DIGEST}
    return rows.replace_schema_metadata(metadata or None)


def opened(path: str | Path) -> pq.ParquetFile:
    """Open a file whose bytes are those that were written.

    Not by ``pyarrow.parquet.read_table``, which loads pyarrow's query engine.

    Raises
    ------
    InvalidResults
        The file is not there, damaged, or no Parquet. A damaged file that `write` made is recognised by its digest,
        before pyarrow sees it; in files that others made, checksums of pages are verified where there are any.
    """
    _spare_pandas()
    with _readable(path):
        content = Path(path).read_bytes()
        _refuse_damage(path, content)
        return pq.ParquetFile(pa.BufferReader(content), page_checksum_verification=True)


def write(table: pa.Table, path: str | Path, stamp: str | None = None) -> None:
    """Write a table, with a job's stamp (see ``stamps``) if it is one's.

    Under its final name a file is complete, and tells when a byte of it has changed. The same table gives the same
    bytes.
    """
    if stamp is not None:
        table = table.replace_schema_metadata({**(table.schema.metadata or {}), KEY: stamp})
    content = _encoded(table)
    with files.complete(path) as unfinished:
        unfinished.write_bytes(content)


def _encoded(table: pa.Table) -> bytes:
    """A Parquet file, whose metadata has a digest of all its bytes, in which the digest itself counts as zeros."""
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, write_page_checksum=True) as writer:
        writer.write_table(table)
        writer.add_key_value_metadata({DIGEST: ZEROS})
    content: bytes = sink.getvalue().to_pybytes()
    place = content.rindex(_MARK) + len(_MARK)
    return content[:place] + _digest(content, place) + content[place + len(ZEROS) :]


def _refuse_damage(path: str | Path, content: bytes) -> None:
    """Raise InvalidResults if a file has a digest, and its bytes another one."""
    if _MARK not in content:
        return
    place = content.rindex(_MARK) + len(_MARK)
    if content[place : place + len(ZEROS)] != _digest(content, place):
        raise InvalidResults(f"{path}: damaged: its bytes are not those that were written (delete it and run again)")


def _digest(content: bytes, place: int) -> bytes:
    """sha256, hexadecimal, of a file whose digest at a place counts as zeros."""
    digest = hashlib.sha256(memoryview(content)[:place])
    digest.update(ZEROS)
    digest.update(memoryview(content)[place + len(ZEROS) :])
    return digest.hexdigest().encode()


@contextmanager
def _readable(path: str | Path) -> Iterator[None]:
    """Turn what pyarrow and the system raise into an error that names the file and the remedy."""
    try:
        yield
    except (pa.ArrowException, OSError, ValueError, LookupError, TypeError, OverflowError, MemoryError) as error:
        raise InvalidResults(f"{path}: {error} (delete it and run again)") from error


class _NoPandas:
    """A finder of modules that knows one thing: there is no pandas."""

    def find_spec(self, name: str, *_: object) -> None:
        if name == "pandas":
            raise ModuleNotFoundError(name)


@cache
def _spare_pandas() -> None:
    """Let pyarrow look for pandas now, and not find it.

    It looks once, when it first converts anything, to recognise columns of pandas; loading pandas takes longer than
    the work of many a job. What converts to pandas by name, as ``Table.to_pandas``, loads it all the same.
    """
    if "pandas" in sys.modules:
        return
    finder = _NoPandas()
    sys.meta_path.insert(0, finder)
    try:
        pa.array([])
    finally:
        sys.meta_path.remove(finder)
