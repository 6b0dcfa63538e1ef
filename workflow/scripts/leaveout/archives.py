"""Archives read as they may be: damaged, hostile, or another file than promised.

A member is read into memory, one at a time; nothing is written, so that a member's name is never a place on disk. Names
are checked all the same: they become ids, and an archive that holds a bad one is not the one that was asked for.
"""

import gzip
import operator
import re
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO, overload

from leaveout.errors import SourceError

ZIP, GZIP = b"PK\x03\x04", b"\x1f\x8b"
DRIVE = re.compile("[A-Za-z]:")
#: Bytes of a tar.gz that are unpacked at a time where they are passed over.
CHUNK = 1 << 16
#: What the readers of the standard library raise on damaged input.
DAMAGE = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    struct.error,
    OSError,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    RuntimeError,
)


@dataclass(frozen=True)
class Limits:
    """Bytes that an archive may unpack to, counted as they come: what its headers promise proves nothing.

    Attributes
    ----------
    member : int
        Of each member that is read.
    total : int
        Of all that is unpacked; in a tar.gz this includes the members that are passed over.
    """

    member: int
    total: int


def unusable(path: Path, what: str) -> SourceError:
    """Error of a source file that is not the expected one, with the remedy."""
    return SourceError(f"{path}: {what} (delete the file and download it again)")


def members(path: Path, wanted: Callable[[str], object], limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Read members of a zip or tar.gz, in the archive's order; an archive with one bad member is refused as a whole.

    That a tar.gz is undamaged is known at its end only: use what it holds after the last member has come.

    Parameters
    ----------
    path : Path
        The archive; its first bytes tell its kind.
    wanted : function of a name
        True for the members to read.
    limits : Limits

    Yields
    ------
    (str, bytes)
        Name (``/`` between folders, no ``.``) and content.

    Raises
    ------
    SourceError
        No archive, a damaged one, one that exceeds the limits, or a member that has no place in it: a link, a device, a
        name that leads out of the folder or occurs twice.
    """
    with _readable(path), path.open("rb") as stream:
        magic = stream.read(len(ZIP))
    if magic == ZIP:
        yield from _unzip(path, lambda names: filter(wanted, names), limits)
    elif magic.startswith(GZIP):
        yield from _untar(path, wanted, limits)
    else:
        raise unusable(path, "neither a zip nor a tar.gz")


class ZipMembers:
    """Members of a zip, read when they are asked for: a sequence of bytes that holds nothing but names.

    A position gives one member; a slice or a list of positions the sequence of those, still unread. Iterating opens the
    archive once, indexing every time.
    """

    def __init__(self, path: Path, names: Sequence[str], limits: Limits):
        self.path = path
        self.names = names
        self.limits = limits

    def __len__(self) -> int:
        return len(self.names)

    def __iter__(self) -> Iterator[bytes]:
        for _, content in _unzip(self.path, lambda _: self.names, self.limits):
            yield content

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice | Sequence[int]) -> "ZipMembers": ...
    def __getitem__(self, index: int | slice | Sequence[int]) -> "bytes | ZipMembers":
        if isinstance(index, slice):
            return ZipMembers(self.path, self.names[index], self.limits)
        if isinstance(index, Sequence):
            return ZipMembers(self.path, [self.names[i] for i in index], self.limits)
        [content] = ZipMembers(self.path, [self.names[operator.index(index)]], self.limits)
        return content


def zip_names(path: Path) -> list[str]:
    """Names of a zip's files, in its order; raises SourceError as ``members`` does."""
    with _readable(path), zipfile.ZipFile(path) as archive:
        return list(_zip_files(path, archive))


def gunzipped(path: Path, limit: int) -> bytes:
    """Content of a gzip file that is no archive, at most ``limit`` bytes; raises SourceError as ``members`` does."""
    with _readable(path), gzip.open(path) as stream:
        content = stream.read(limit + 1)
    if len(content) > limit:
        raise unusable(path, f"unpacks to more than {limit} bytes")
    return content


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    """Turn what the standard library raises into an error that names the file and the remedy."""
    try:
        yield
    except FileNotFoundError as error:
        raise SourceError(f"{path}: there is no such file (download it)") from error
    except DAMAGE as error:
        raise unusable(path, f"damaged or incomplete: {str(error) or type(error).__name__}") from error


class _Names:
    """Names of an archive's members, each checked when it comes."""

    def __init__(self, path: Path):
        self.path = path
        self.seen: set[str] = set()

    def checked(self, name: str) -> str:
        """Return the name without ``.`` and doubled slashes, or raise SourceError."""
        parts = PurePosixPath(name).parts
        # Names that no terminal or table can hold are not printable: control characters, bytes that are not UTF-8.
        if not name.isprintable():
            raise unusable(self.path, f"member {name!r}: a name with characters that cannot be printed")
        if name.startswith("/") or ".." in parts or "\\" in name or DRIVE.match(name):
            raise unusable(self.path, f"member {name!r}: a name that leads out of the archive's folder")
        plain = "/".join(parts)
        if plain in self.seen:
            raise unusable(self.path, f"member {name!r} occurs twice")
        self.seen.add(plain)
        return plain


def _unzip(path: Path, select: Callable[[Iterable[str]], Iterable[str]], limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Read the files of a zip that are selected from its names, in the order of the selection."""
    made = 0
    with _readable(path), zipfile.ZipFile(path) as archive:
        files = _zip_files(path, archive)
        for name in select(files):
            if name not in files:
                raise unusable(path, f"no member {name!r}")
            with archive.open(files[name]) as stream:
                content = stream.read(limits.member + 1)
            made += len(content)
            if len(content) > limits.member:
                raise unusable(path, f"member {name!r} unpacks to more than {limits.member} bytes")
            if made > limits.total:
                raise unusable(path, f"unpacks to more than {limits.total} bytes")
            yield name, content


def _zip_files(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Files of a zip by name; raises SourceError if any member, wanted or not, is a bad one."""
    names, files = _Names(path), {}
    for info in archive.infolist():
        name = names.checked(info.orig_filename)
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
            raise unusable(path, f"member {name!r} is a link or a device")
        # The others unpack a block whole, whatever its size.
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise unusable(path, f"member {name!r} is compressed by method {info.compress_type}, expected deflate")
        if not info.is_dir():
            files[name] = info
    return files


def _untar(path: Path, wanted: Callable[[str], object], limits: Limits) -> Iterator[tuple[str, bytes]]:
    """Read the files of a tar.gz that are wanted, to the end and its checksum."""
    names = _Names(path)
    with _readable(path), gzip.open(path) as stream:
        tape: Any = _Tape(path, stream, limits)
        with tarfile.open(fileobj=tape, mode="r:") as archive:
            while (info := archive.next()) is not None:
                # tarfile keeps every header otherwise, 100 MB of them for 100,000 reviews.
                archive.members.clear()  # type: ignore[attr-defined]
                name = names.checked(info.name)
                if not (info.isfile() or info.isdir()) or info.issparse():
                    raise unusable(path, f"member {name!r} is a link, a device or a sparse file")
                if info.size < 0:
                    raise tarfile.ReadError(f"member {name!r} has a negative size")
                if info.isfile() and wanted(name):
                    if info.size > limits.member:
                        raise unusable(path, f"member {name!r} unpacks to more than {limits.member} bytes")
                    content = archive.extractfile(info)
                    assert content is not None  # noqa: S101 - it is a file
                    yield name, content.read()
        tape.finish()


class _Tape:
    """What a tar.gz unpacks to, for tarfile: forwards only, counted, and never more than a member at a time."""

    def __init__(self, path: Path, stream: BinaryIO | gzip.GzipFile, limits: Limits):
        self.path = path
        self.stream = stream
        self.limits = limits
        self.position = 0
        self.last = b""

    def tell(self) -> int:
        return self.position

    def read(self, size: int) -> bytes:
        # tarfile reads long names and other headers whole, and believes what they say of their size.
        if not 0 <= size <= max(self.limits.member, CHUNK):
            raise unusable(self.path, f"a header asks for {size} bytes, more than the {self.limits.member} of a member")
        self.last = self.stream.read(size)
        self.position += len(self.last)
        if self.position > self.limits.total:
            raise unusable(self.path, f"unpacks to more than {self.limits.total} bytes")
        return self.last

    def seek(self, position: int) -> None:
        if position < self.position:
            raise tarfile.ReadError("a header leads backwards")
        while self.position < position and self.read(min(CHUNK, position - self.position)):
            pass

    def finish(self) -> None:
        """Make sure that the archive ended where tarfile stopped: it also stops at a header that it cannot read."""
        if self.last.strip(b"\0"):
            raise tarfile.ReadError(f"no header at byte {self.position - len(self.last)}")
        while self.read(CHUNK):  # gzip compares the checksum at the very end
            pass
