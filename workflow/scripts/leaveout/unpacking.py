"""Users' own tables and archives of arrays, before anything is unpacked: bombs are refused by what they declare."""

import csv
import lzma
import struct
import tokenize
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from leaveout.errors import SourceError

#: A file that declares more than so many times its own size, and more bytes than that, is a bomb. Counts of words, one
#: in 500 of them not zero, unpack to some 550 times their size; nothing but zeros to 1029 times.
RATIO, SMALL = 1000, 256 << 20
#: What readers of csv, Parquet and archives of arrays raise of files that are not what their names say.
DAMAGE = (
    pa.ArrowException,
    OSError,
    EOFError,
    UnicodeDecodeError,
    csv.Error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    struct.error,
    tokenize.TokenError,
    SyntaxError,
    RuntimeError,
    OverflowError,
    TypeError,
    LookupError,
)


def refuse_table(path: Path, metadata: pq.FileMetaData) -> None:
    """Raise SourceError for a Parquet file that is a bomb; lists count by what they hold."""
    groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
    values = sum(group.column(j).num_values for group in groups for j in range(group.num_columns))
    _refuse(path, values * np.dtype(np.float32).itemsize)


def refuse_archive(path: Path, archive: zipfile.ZipFile | None) -> None:
    """Raise SourceError for a zip that is a bomb; no member unpacks to more than the size that it declares."""
    _refuse(path, sum(info.file_size for info in archive.infolist()) if archive else 0)


def _refuse(path: Path, unpacked: int) -> None:
    packed = path.stat().st_size
    if unpacked > max(SMALL, RATIO * packed):
        raise SourceError(
            f"{path}: {packed} bytes that unpack to {unpacked}, more than {RATIO} times as many (a damaged or hostile "
            f"file; if it is neither, save it without compression)"
        )
