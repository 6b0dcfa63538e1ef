"""HTTP transfers that go on where they were cut: after a pause in the same job, or in the next one."""

import json
import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests
import urllib3
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential
from tqdm import tqdm

from leaveout.checksums import difference
from leaveout.errors import SourceError
from leaveout.files import complete
from leaveout.redaction import redacted

log = logging.getLogger(__name__)

#: Requests in a row that may bring nothing before an address counts as out of reach.
ATTEMPTS = 5
#: Pauses between them, in seconds: 1, 2, 4, 8.
BACKOFF: Callable[[RetryCallState], float] = wait_exponential(multiplier=1, max=60)
#: Longest pause that a server's Retry-After is granted, in seconds.
LONGEST_PAUSE = 120
#: Seconds to connect, and between two pieces of an answer.
TIMEOUT = (15, 60)
CHUNK = 1 << 18
#: Statuses of servers that may do better later; other errors are final.
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


T = TypeVar("T")


class Unreachable(SourceError):
    """An address that gives no whole answer, however often it is asked."""


class OtherFile(SourceError):
    """A whole file with another checksum than expected."""


class _Interrupted(Exception):
    """A request that may succeed if it is repeated, after the pause that the server wishes (seconds)."""

    def __init__(self, reason: object, pause: float = 0) -> None:
        super().__init__(str(reason))
        self.pause = pause


@dataclass(frozen=True)
class Partial:
    """What has arrived of a file: hidden beside its target, so that it outlives the job, and never taken for it.

    A note beside it says from which address it is, without its secrets, and in which version (ETag or Last-Modified).
    """

    target: Path

    @property
    def path(self) -> Path:
        """Where the bytes are."""
        return self.target.with_name(f".partial.{self.target.name}")

    @property
    def _note(self) -> Path:
        return self.path.with_name(f"{self.path.name}.json")

    @property
    def size(self) -> int:
        """Bytes that have arrived."""
        return self.path.stat().st_size if self.path.exists() else 0

    def version(self, address: str) -> str | None:
        """Version at the address that the bytes are part of: "" if it has no name, None if they are not from there."""
        try:
            note = json.loads(self._note.read_text(encoding="utf-8"))
            return str(note["version"]) if note["address"] == redacted(address) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def begin(self, address: str, version: str) -> None:
        """Start over, with a version at an address."""
        self.discard()
        with complete(self._note) as unfinished:  # first: bytes without a note are nobody's
            unfinished.write_text(json.dumps({"address": redacted(address), "version": version}), encoding="utf-8")
        self.path.touch()

    def discard(self) -> None:
        """Forget what has arrived."""
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def download(address: str, partial: Partial, expected: Mapping[str, str], plain_http: bool) -> None:
    """Bring all bytes at an address into a partial file, and verify them.

    Each request continues where the last one was cut, if the server says that the file is still the same one; if it
    cannot say so, only bytes with an expected checksum are continued, since nothing else would reveal a mixture.
    A whole file with another checksum is fetched once more from its beginning.

    Parameters
    ----------
    address : str
    partial : Partial
    expected : mapping
        Checksums by algorithm; may be empty.
    plain_http : bool
        Whether an address, or one that it redirects to, may be plain http.

    Raises
    ------
    Unreachable
        No whole answer; what has arrived is kept for the next attempt.
    OtherFile
        Another checksum, twice.
    SourceError
        The way is not encrypted and may not be so, or nothing would tell whether the file is complete.
    """
    with requests.Session() as session:
        for last in (False, True):
            _retried(lambda: _receive(session, address, partial, expected, plain_http), address, lambda: partial.size)
            wrong = difference(partial.path, expected)
            if wrong is None:
                return
            partial.discard()
            log.warning("%s: %s", address, wrong)
            if last:
                raise OtherFile(f"{address}: {wrong}")


def read_text(address: str) -> str | None:
    """Text at an address, None if the server has no such file.

    Raises
    ------
    Unreachable
        No answer, or one that asking again does not change.
    """

    def get() -> str | None:
        with requests.get(address, timeout=TIMEOUT) as answer:
            if answer.status_code == 404:
                return None
            _refuse_failure(answer, address)
            return answer.text

    return _retried(get, address, lambda: 0)


def _retried(request: Callable[[], T], address: str, arrived: Callable[[], int]) -> T:
    """Repeat a request after pauses that grow; give up when all attempts in a row have brought nothing."""

    def once() -> T:
        try:
            return request()
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            raise _Interrupted(_reason(error)) from error

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        return max(BACKOFF(state), min(getattr(error, "pause", 0), LONGEST_PAUSE))

    def report(state: RetryCallState) -> None:
        log.info("%s: %s; next attempt", address, state.outcome.exception() if state.outcome else "")

    most = arrived()
    while True:
        try:
            return Retrying(
                stop=stop_after_attempt(ATTEMPTS),
                wait=pause,
                retry=retry_if_exception_type(_Interrupted),
                before_sleep=report,
                reraise=True,
            )(once)
        except _Interrupted as error:
            if arrived() <= most:
                raise Unreachable(f"{address}: {error}") from error
            most = arrived()


def _reason(error: Exception) -> str:
    """Say why a request failed, without what the libraries in between tell of themselves."""
    cause = getattr(error.args[0], "reason", None) if error.args else None
    return f"{type(cause or error).__name__}: {cause or error}"


def _receive(
    session: requests.Session, address: str, partial: Partial, expected: Mapping[str, str], plain_http: bool
) -> None:
    """One request: append what is missing, or all of it if the server does not continue."""
    offset = _resumable(partial, address, expected)
    headers = {"Accept-Encoding": "identity"}  # the file itself, whose bytes are counted and hashed
    if offset:
        headers["Range"] = f"bytes={offset}-"
        if version := partial.version(address):
            headers["If-Range"] = version
    with session.get(address, headers=headers, stream=True, timeout=TIMEOUT) as answer:
        hops = [hop.url for hop in (*answer.history, answer)]
        if not plain_http and (plain := [hop for hop in hops if not hop.startswith("https://")]):
            raise SourceError(f"{address}: leads over {plain[0]}, which is not encrypted, and there is no checksum")
        if offset and answer.status_code == 416:
            if answer.headers.get("Content-Range") == f"bytes */{offset}" and expected:
                return  # nothing is missing: the checksum decides
            partial.discard()
            raise _Interrupted("the server does not have the rest of this file")
        _refuse_failure(answer, address)
        if offset and answer.status_code == 206:
            _refuse_mixture(answer, partial, address, offset)
        else:
            offset = 0
            partial.begin(address, _version(answer))
        _append(answer, partial, offset, expected)


def _resumable(partial: Partial, address: str, expected: Mapping[str, str]) -> int:
    """Bytes to go on from; what cannot be continued safely is forgotten."""
    version = partial.version(address)
    if version is None or not (version or expected):
        partial.discard()
    return partial.size


def _version(answer: requests.Response) -> str:
    """What a server can be asked to compare (If-Range): a strong ETag, or the time of the last change."""
    etag = answer.headers.get("ETag", "")
    return etag if etag.startswith('"') else answer.headers.get("Last-Modified", "")


def _refuse_failure(answer: requests.Response, address: str) -> None:
    """Tell failures that may pass from those that will not."""
    if answer.status_code in PASSING:
        wished = answer.headers.get("Retry-After", "")
        raise _Interrupted(f"status {answer.status_code} {answer.reason}", int(wished) if wished.isdecimal() else 0)
    if answer.status_code not in (200, 206):
        raise Unreachable(f"{address}: status {answer.status_code} {answer.reason}")


def _refuse_mixture(answer: requests.Response, partial: Partial, address: str, offset: int) -> None:
    """Refuse the rest of another version, which servers send that do not know If-Range, and bytes from elsewhere."""
    begin = re.match(r"bytes (\d+)-", answer.headers.get("Content-Range", ""))
    known, now = partial.version(address), _version(answer)
    if begin is None or int(begin[1]) != offset or (known and now and known != now):
        partial.discard()
        raise _Interrupted("the server continues another file, or elsewhere in it")


def _append(answer: requests.Response, partial: Partial, offset: int, expected: Mapping[str, str]) -> None:
    """Write the body behind what there is; a cut is not one if the file has its checksum already."""
    length = answer.headers.get("Content-Length", "")
    chunked = "chunked" in answer.headers.get("Transfer-Encoding", "")
    if not (length.isdecimal() or chunked or expected):
        raise SourceError(f"{answer.url}: neither a length nor a checksum would tell whether the file is complete")
    total = offset + int(length) if length.isdecimal() else None
    log.info("%s: from byte %d%s", answer.url, offset, f" of {total}" if total else "")
    body: Any = answer.raw
    # disable=None: a line that a terminal shows, and a log file never sees
    units: dict[str, Any] = {"unit": "B", "unit_scale": True, "leave": False, "disable": None}
    try:
        with (
            partial.path.open("ab") as file,
            tqdm(desc=partial.target.name, initial=offset, total=total, **units) as progress,
        ):
            # not iter_content, which unpacks .gz where a server calls that an encoding
            for chunk in body.stream(CHUNK, decode_content=False):
                file.write(chunk)
                progress.update(len(chunk))
    except urllib3.exceptions.HTTPError:
        if not expected or difference(partial.path, expected) is not None:
            raise
    if not expected and total not in (None, partial.size):
        # a job that was left behind, say by kill -9, writes there too
        partial.discard()
        raise _Interrupted(f"somebody else writes {partial.path}")
