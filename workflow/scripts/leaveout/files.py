"""Files that exist completely or not at all, whoever else writes them, and whatever happens to the machine."""

import errno
import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leaveout.errors import NotWritten

#: How the name of a file begins while it is written; nothing that is named so is ever read.
UNFINISHED = ".unfinished."
#: What the system means by the errors that free space, another folder or another limit would mend.
IN_WORDS = {
    errno.ENOSPC: "no space left on the device",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the limit of a file's size is reached (ulimit -f)",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "no permission to write there",
    errno.EPERM: "no permission to write there",
    errno.EIO: "the device fails",
}
#: What file systems say that cannot be waited for.
CANNOT_WAIT = {errno.EINVAL, errno.ENOTSUP, errno.ENOSYS}
#: Those of them that more room mends.
ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def complete(path: str | Path) -> Iterator[Path]:
    """Yield a temporary path in the same folder; it becomes ``path`` when the block ends without an error.

    The temporary name is this writer's own, so that two writers of one file never write into each other's. A writer
    that begins removes what others have left for the same file: they are dead, or superseded, and then fail instead
    of replacing what is newer. The content is on the disk before it has its name: a loss of power leaves the old file
    or the new one.

    Parameters
    ----------
    path : path
        Its ending is the temporary path's too.

    Raises
    ------
    NotWritten
        The system refused to write, or another writer of the same file has begun since. What was there before is as
        it was.
    """
    final = Path(path)
    unfinished = final.with_name(f"{UNFINISHED}{secrets.token_hex(8)}.{final.name}")
    try:
        for other in leftovers(final):
            other.unlink(missing_ok=True)
        yield unfinished
        _settle(unfinished)
        unfinished.replace(final)
    except NotWritten:
        raise
    except FileNotFoundError as error:
        if error.filename != str(unfinished):
            raise NotWritten(f"{final}: not written: {error}") from error
        raise NotWritten(
            f"{final}: not written: what was written so far is gone, another job has begun the same file (let that one "
            f"end, and run again)"
        ) from error
    except OSError as error:
        elsewhere = error.filename not in (None, str(unfinished), str(final))  # reading what is to be written
        raise NotWritten(f"{final}: not written: {error if elsewhere else in_words(error)}") from error
    finally:
        unfinished.unlink(missing_ok=True)


def leftovers(final: Path) -> list[Path]:
    """What writers of a file have not finished, of this version and of earlier ones."""
    names = re.compile(rf"{re.escape(UNFINISHED)}([0-9a-f]{{16}}\.)?{re.escape(final.name)}")
    return [file for file in final.parent.iterdir() if names.fullmatch(file.name)]


def in_words(error: OSError) -> str:
    """Say what the system means by an error while a file was written, and what to do."""
    if isinstance(error, NotWritten):
        return str(error)
    reason = IN_WORDS.get(error.errno or 0, str(error))
    remedy = "make room" if error.errno in ROOM else "mend that"
    return f"{reason} (finished results are intact: {remedy} and run again)"


def _settle(path: Path) -> None:
    """Wait until a file's content is on the disk."""
    descriptor = os.open(path, os.O_RDWR)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in CANNOT_WAIT:
            raise
    finally:
        os.close(descriptor)
