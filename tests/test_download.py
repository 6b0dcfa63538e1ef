"""Downloads over a real connection that fails in every way: the right file in the end, or an error that helps."""

import gzip
import hashlib
import io
import logging
import sys
from pathlib import Path

import pytest
from tenacity import wait_none
from tqdm import tqdm

from leaveout import transfer
from leaveout.checksums import listed
from leaveout.download import Wanted, obtain
from leaveout.errors import SourceError
from leaveout.mirror import Mirror
from leaveout.sources import Origin, describe, origin_of
from serving import serving

CONTENT = bytes(range(256)) * 3000  # three pieces
OTHER = CONTENT[::-1]
HALF = len(CONTENT) // 2
NAME = "data.tar.gz"
NOWHERE = "http://127.0.0.1:9"  # the discard port: nobody listens


def sha256(content):
    return hashlib.sha256(content).hexdigest()


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF", wait_none())
    monkeypatch.setattr(transfer, "LONGEST_PAUSE", 0)


@pytest.fixture
def server():
    with serving() as running:
        running.files[NAME] = CONTENT
        yield running


@pytest.fixture
def wanted(tmp_path, server):
    """The file at the server, with its published checksum or other entries."""
    folder = tmp_path / "resources" / "raw" / "source"
    folder.mkdir(parents=True)

    def entry(**keys):
        keys = keys or {"sha256": sha256(CONTENT)}
        lock = tmp_path / "resources" / "checksums" / "source" / f"{NAME}.json"
        return Wanted("source", NAME, {"url": f"{server.address}/{NAME}"} | keys, folder / NAME, lock)

    return entry


@pytest.fixture
def unstated(wanted, server):
    """The same file, of which nobody states a checksum."""
    return wanted(url=f"{server.address}/{NAME}")


def names(wanted):
    """What is in the file's folder."""
    return {path.name for path in wanted.target.parent.iterdir()}


def is_complete(wanted, content=CONTENT):
    """The file, its record and nothing else."""
    return wanted.target.read_bytes() == content and names(wanted) == {NAME, f"{NAME}.origin.json"}


def error(wanted, *arguments):
    with pytest.raises(SourceError) as caught:
        obtain(wanted, *arguments)
    return str(caught.value)


def test_a_file_with_its_published_checksum_is_fetched_by_one_request(wanted, server):
    task = wanted()
    record = obtain(task)
    assert is_complete(task)
    assert record == Origin(NAME, sha256(CONTENT), f"{server.address}/{NAME}", "published", True, False)
    assert Origin.read(origin_of(task.target)) == record
    assert server.ranges_of(NAME) == [None]
    assert not task.lock.exists()


@pytest.mark.parametrize("right", [True, False])
def test_md5_is_verified_where_it_is_all_that_is_published(wanted, server, right):
    content = CONTENT if right else OTHER
    task = wanted(md5=hashlib.md5(content).hexdigest())  # noqa: S324
    if right:
        assert obtain(task).published
        assert is_complete(task)
    else:
        assert f"md5 is {hashlib.md5(CONTENT).hexdigest()}, expected {task.entry['md5']}" in error(task)  # noqa: S324
        assert names(task) == set()


MISBEHAVIOUR = {
    "cut half way": ([{"cut": HALF}], {}, [None, f"bytes={HALF}-"]),
    "cut three times": (
        [{"cut": 10}, {"cut": 20}, {"cut": 30}],
        {},
        [None, "bytes=10-", "bytes=30-", "bytes=60-"],
    ),
    "cut, version by date": (
        [{"cut": HALF}],
        {"etag": False, "date": True, "compares": False},
        [None, f"bytes={HALF}-"],
    ),
    "cut, version unknown": ([{"cut": HALF}], {"etag": False}, [None, f"bytes={HALF}-"]),
    "cut, ranges ignored": ([{"cut": HALF}], {"ranges": False}, [None, f"bytes={HALF}-"]),
    "busy twice": ([{"status": 503}, {"status": 503, "headers": {"Retry-After": "0"}}], {}, [None] * 3),
    "wrong bytes once": ([{"wrong": True}], {}, [None, None]),
    "wrong rest": ([{"cut": HALF}, {"wrong": True}], {}, [None, f"bytes={HALF}-", None]),
    "says more than it sends": ([{"length": 10}], {}, [None]),
    "says less than it sends": ([{"length": -10}], {}, [None, None]),
    "says no length": ([], {"length": None}, [None]),
    "no length, and cut": ([{"cut": HALF}], {"length": None}, [None, None]),
    "no such range": ([{"cut": HALF}, {"status": 416}], {}, [None, f"bytes={HALF}-", None]),
    "another range": (
        [{"cut": HALF}, {"status": 206, "headers": {"Content-Range": "bytes 0-9/10"}}],
        {},
        [None, f"bytes={HALF}-", None],
    ),
}


@pytest.mark.parametrize("case", MISBEHAVIOUR)
def test_whatever_the_server_does_the_file_is_right_in_the_end(wanted, server, case):
    moods, server.habit, requests = MISBEHAVIOUR[case]
    server.moods = list(moods)
    task = wanted()
    obtain(task)
    assert is_complete(task)
    assert server.ranges_of(NAME) == requests


#: What nothing could reveal without a checksum: other bytes, and a length that is too small.
INVISIBLE = {"wrong bytes once", "wrong rest", "says less than it sends", "says no length", "no length, and cut"}


@pytest.mark.parametrize("case", [case for case in MISBEHAVIOUR if case not in INVISIBLE])
def test_without_a_checksum_too(unstated, server, case):
    moods, server.habit, _ = MISBEHAVIOUR[case]
    server.moods = list(moods)
    obtain(unstated, None, ["source"])
    assert is_complete(unstated)


def test_an_answer_that_could_end_anywhere_needs_a_checksum(unstated, server):
    server.habit = {"length": None}
    assert "neither a length nor a checksum" in error(unstated, None, ["source"])
    assert not unstated.target.exists()
    assert not unstated.lock.exists()


@pytest.mark.parametrize("compares", [True, False])
def test_a_file_that_changes_between_two_parts_is_fetched_from_its_beginning(unstated, server, compares):
    """The server says so by If-Range, or by the ETag of an answer that ignores If-Range; no checksum would."""
    server.files[NAME], server.habit = OTHER, {"compares": compares}
    server.moods = [{"cut": HALF, "becomes": CONTENT}]
    obtain(unstated, None, ["source"])
    assert is_complete(unstated)
    assert server.ranges_of(NAME) == [None, f"bytes={HALF}-", *([] if compares else [None])]


def test_without_version_and_checksum_nothing_is_continued(unstated, server):
    server.habit, server.moods = {"etag": False}, [{"cut": HALF}]
    obtain(unstated, None, ["source"])
    assert is_complete(unstated)
    assert server.ranges_of(NAME) == [None, None]


def test_a_server_that_stays_away_leaves_what_arrived_and_the_next_job_continues(wanted, server, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    task = wanted()
    server.moods = [{"cut": HALF}, *[{"status": 503}] * 3]
    message = error(task)
    assert "status 503" in message
    assert f"source: {NAME} is missing, and cannot be fetched: {server.address}/{NAME}" in message
    assert not task.target.exists()
    assert names(task) == {f".partial.{NAME}", f".partial.{NAME}.json"}
    server.asked.clear()
    obtain(task)
    assert is_complete(task)
    assert server.ranges_of(NAME) == [f"bytes={HALF}-"]


def test_attempts_that_bring_something_do_not_count(wanted, server, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 2)
    server.moods = [{"cut": 100}] * 7
    task = wanted()
    obtain(task)
    assert is_complete(task)
    assert len(server.asked) == 8


def test_a_server_that_never_ends_is_given_up(unstated, server, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 3)
    server.habit = {"length": 10}
    assert f"{NAME} is missing, and cannot be fetched" in error(unstated, None, ["source"])
    assert len(server.asked) <= 9
    assert not unstated.target.exists()
    assert not unstated.lock.exists()


def test_pauses_grow_and_grant_what_the_server_asks_for(wanted, server, monkeypatch):
    slept = []
    monkeypatch.undo()
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    server.moods = [{"status": 503}, {"status": 429, "headers": {"Retry-After": "77"}}, *[{"status": 503}] * 2]
    obtain(wanted())
    assert slept == [1, 77, 4, 8]


def test_failures_that_will_not_pass_are_not_repeated(wanted, server):
    server.habit = {"status": 403}
    assert "status 403" in error(wanted())
    assert len(server.asked) == 1


def test_another_file_than_the_published_one_is_refused_with_both_checksums(wanted, server):
    server.files[NAME] = OTHER
    task = wanted()
    message = error(task)
    assert f"sha256 is {sha256(OTHER)}, expected {sha256(CONTENT)}" in message
    assert f"{server.address}/{NAME}" in message
    assert names(task) == set()


def test_a_job_that_was_left_behind_and_writes_too_spoils_nothing(unstated, server, monkeypatch):
    update, once = tqdm.update, [OTHER[:10]]

    def interfere(self, count):
        with transfer.Partial(unstated.target).path.open("ab") as file:
            file.write(once.pop() if once else b"")
        update(self, count)

    monkeypatch.setattr(tqdm, "update", interfere)
    obtain(unstated, None, ["source"])
    assert is_complete(unstated)
    assert server.ranges_of(NAME) == [None, None]


def test_a_file_that_had_arrived_when_its_job_was_killed_is_not_fetched_again(wanted, server):
    task = wanted()
    partial = transfer.Partial(task.target)
    partial.begin(task.entry["url"], "")
    partial.path.write_bytes(CONTENT)
    obtain(task)
    assert is_complete(task)
    assert server.ranges_of(NAME) == [f"bytes={len(CONTENT)}-"]


def test_bytes_from_another_address_are_not_continued(wanted, server):
    partial = transfer.Partial(wanted().target)
    partial.begin(f"{server.address}/elsewhere", '"1"')
    partial.path.write_bytes(OTHER[:HALF])
    obtain(wanted())
    assert is_complete(wanted())
    assert server.ranges_of(NAME) == [None]


@pytest.mark.parametrize("note", [None, "", "[]", '{"address": 1}'])
def test_bytes_without_a_readable_note_are_not_continued(wanted, server, note):
    partial = transfer.Partial(wanted().target)
    partial.path.write_bytes(OTHER[:HALF])
    if note is not None:
        partial.path.with_name(f"{partial.path.name}.json").write_text(note)
    obtain(wanted())
    assert is_complete(wanted())
    assert server.ranges_of(NAME) == [None]


def test_compressed_files_are_not_unpacked_on_the_way(wanted, server):
    packed = gzip.compress(CONTENT, mtime=0)
    server.files[NAME], server.habit = packed, {"encoding": "gzip"}
    task = wanted(sha256=sha256(packed))
    obtain(task)
    assert is_complete(task, packed)
    assert server.asked[0][1]["Accept-Encoding"] == "identity"


# What is there already


def test_a_file_that_is_there_and_right_is_not_fetched(wanted, server):
    task = wanted()
    task.target.write_bytes(CONTENT)
    transfer.Partial(task.target).begin("anywhere", "")
    record = obtain(task)
    assert (record.origin, record.published, server.asked) == ("found in place", True, [])
    assert is_complete(task)


def test_the_origin_of_a_file_that_stays_is_not_forgotten(wanted, server):
    task = wanted()
    first = obtain(task)
    assert obtain(task) == first
    assert len(server.asked) == 1


def test_a_file_that_is_there_and_wrong_is_fetched_again(wanted, server):
    task = wanted()
    task.target.write_bytes(CONTENT[:HALF])
    obtain(task)
    assert is_complete(task)
    assert len(server.asked) == 1


def test_a_wrong_file_is_not_lost_when_no_better_one_comes(wanted, server):
    task = wanted(url=f"{NOWHERE}/{NAME}", sha256=sha256(CONTENT))
    task.target.write_bytes(OTHER)
    assert f"{NAME} is not the expected file, and cannot be fetched" in error(task)
    assert task.target.read_bytes() == OTHER


def test_a_file_of_a_packaged_source_does_not_come_from_the_mirror(tmp_path, wanted, monkeypatch):
    package = tmp_path / "site" / "shipping"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "file.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(package.parent)
    task = wanted(sha256=sha256(CONTENT))
    task = Wanted(
        task.source, task.file, {"package": "shipping", "path": "file.bin", **task.published}, task.target, task.lock
    )
    assert obtain(task, Mirror(str(tmp_path / "none"))).origin == "package shipping"
    assert is_complete(task)


# Checksums that nobody publishes


def test_the_first_download_is_recorded_and_a_later_change_is_an_error_with_both_values(unstated, server):
    record = obtain(unstated, None, ["source"])
    assert (record.checksum, record.published, record.unverified) == ("first download", None, True)
    assert Origin.read(unstated.lock) == record
    unstated.target.unlink()
    server.files[NAME] = OTHER
    message = error(unstated, None, ["source"])
    assert f"sha256 is {sha256(OTHER)}, expected {sha256(CONTENT)}" in message
    assert "changed since the first download" in message
    assert str(unstated.lock) in message
    assert not unstated.target.exists()
    unstated.lock.unlink()
    assert obtain(unstated, None, ["source"]).sha256 == sha256(OTHER)


def test_the_first_download_serves_as_checksum_and_its_record_stays(unstated, server):
    first = obtain(unstated, None, ["source"])
    unstated.target.unlink()
    origin_of(unstated.target).unlink()
    assert obtain(unstated) == first  # nothing is accepted unverified any more
    assert first.unverified


def test_a_file_put_in_place_is_the_first_one(unstated, server):
    unstated.target.write_bytes(OTHER)
    record = obtain(unstated)
    assert (record.origin, record.checksum, record.unverified) == ("found in place", "first download", False)
    assert Origin.read(unstated.lock).sha256 == sha256(OTHER)
    assert server.asked == []


@pytest.mark.parametrize("accepted", [[], ["another"]])
def test_plain_http_without_a_checksum_has_to_be_accepted(unstated, server, accepted):
    message = error(unstated, None, accepted)
    assert "plain http" in message
    assert "`accept_unverified: [source]` in config/config.yaml" in message
    assert str(unstated.target) in message
    assert server.asked == []
    assert names(unstated) == set()
    assert not unstated.lock.exists()


def test_no_byte_is_taken_from_an_answer_over_plain_http(unstated):
    """Whoever led there: the address that answered counts."""
    with pytest.raises(SourceError, match=r"leads over http://127\.0\.0\.1.*not encrypted"):
        transfer.download(unstated.entry["url"], transfer.Partial(unstated.target), {}, plain_http=False)
    assert names(unstated) == set()


def test_an_encrypted_address_is_never_asked_without_encryption(wanted, server, monkeypatch):
    monkeypatch.setattr(transfer, "ATTEMPTS", 1)
    task = wanted(url=server.address.replace("http:", "https:") + f"/{NAME}", sha256=sha256(CONTENT))
    assert "SSLError" in error(task)


def test_a_redirect_is_followed_to_a_file_with_a_checksum(wanted, server):
    server.moods = [{"location": f"{server.address}/moved"}]
    server.files["moved"] = CONTENT
    obtain(wanted())
    assert is_complete(wanted())


# Mirrors


@pytest.fixture(params=["folder", "address"])
def mirror(request, tmp_path, server):
    """A mirror of both kinds."""
    (tmp_path / "mirror").mkdir()
    return Mirror(str(tmp_path / "mirror") if request.param == "folder" else f"{server.address}/base/")


@pytest.fixture
def put(mirror, server):
    """Put a file into the mirror, which holds another file than its source does."""

    def write(name, content):
        if mirror.place.startswith("http://"):
            server.files[f"base/{name}"] = content
        else:
            (Path(mirror.place) / name).write_bytes(content)

    write(NAME, OTHER)
    return write


ELSEWHERE = f"{NOWHERE}/{NAME}"


def lines(*pairs):
    return "".join(f"{checksum}  {name}\n" for checksum, name in pairs).encode()


def test_a_mirrors_own_checksum_takes_the_place_of_the_published_one(wanted, mirror, put):
    put("SHA256SUMS", lines((sha256(CONTENT), "another"), (sha256(OTHER), NAME)))
    task = wanted(url=ELSEWHERE, sha256=sha256(CONTENT))
    record = obtain(task, mirror)
    assert is_complete(task, OTHER)
    assert (record.checksum, record.published, record.sha256) == ("mirror", False, sha256(OTHER))
    assert record.origin == mirror.location(NAME)
    assert record.mirrored
    assert obtain(task, mirror).mirrored  # and still is when it is found in place
    assert describe(task.target, [origin_of(task.target)])["published"] is False
    assert not task.lock.exists()


def test_a_mirror_with_the_published_file_has_the_published_checksum(wanted, mirror, put):
    put("SHA256SUMS", lines((sha256(CONTENT), NAME)))
    put(NAME, CONTENT)
    record = obtain(wanted(url=ELSEWHERE, sha256=sha256(CONTENT)), mirror)
    assert (record.checksum, record.published) == ("published", True)


def test_a_mirrors_file_that_is_not_in_its_list_as_it_is_is_refused(wanted, mirror, put):
    put("SHA256SUMS", lines((sha256(CONTENT), NAME)))
    task = wanted(url=ELSEWHERE, sha256=sha256(OTHER))  # published, but the mirror promises another
    message = error(task, mirror)
    assert f"sha256 is {sha256(OTHER)}, expected {sha256(CONTENT)}" in message
    assert "not the file of the mirror's SHA256SUMS" in message
    assert names(task) == set()


@pytest.mark.parametrize("list_of_others", [True, False])
def test_without_a_checksum_of_its_own_a_mirrors_file_has_to_be_the_published_one(wanted, mirror, put, list_of_others):
    if list_of_others:
        put("SHA256SUMS", lines((sha256(OTHER), f"another-{NAME}")))
    task = wanted(url=ELSEWHERE, sha256=sha256(CONTENT))
    message = error(task, mirror)
    assert f"sha256 is {sha256(OTHER)}, expected {sha256(CONTENT)}" in message
    assert "A mirror that holds another one on purpose says so in its SHA256SUMS" in message
    put(NAME, CONTENT)
    assert obtain(task, mirror).published
    assert is_complete(task)


def test_a_file_without_any_checksum_comes_from_a_folder_and_over_plain_http_if_accepted(wanted, mirror, put):
    task = wanted(url=ELSEWHERE)
    if mirror.place.startswith("http://"):
        assert "`accept_unverified: [source]`" in error(task, mirror)
    record = obtain(task, mirror, ["source"])
    assert (record.checksum, record.published) == ("first download", None)
    assert record.unverified is mirror.place.startswith("http://")
    assert task.lock.exists()


def test_a_file_that_the_mirror_lacks_is_named(wanted, mirror, put):
    task = wanted(url=ELSEWHERE, sha256=sha256(OTHER))
    task = Wanted(task.source, "lacking.npz", task.entry, task.target, task.lock)
    message = error(task, mirror)
    assert mirror.location("lacking.npz") in message
    assert str(task.target) in message


def test_a_mirror_is_not_asked_for_a_file_that_is_there_and_right(wanted, tmp_path):
    task = wanted(url=ELSEWHERE, sha256=sha256(CONTENT))
    task.target.write_bytes(CONTENT)
    assert obtain(task, Mirror(NOWHERE)).published
    assert obtain(task, Mirror(str(tmp_path / "none"))).published


def test_a_mirrors_file_that_is_there_stays_while_the_mirror_vouches_for_it(wanted, mirror, put):
    put("SHA256SUMS", lines((sha256(OTHER), NAME)))
    task = wanted(url=ELSEWHERE, sha256=sha256(CONTENT))
    first = obtain(task, mirror)
    put(NAME, b"no longer")
    assert obtain(task, mirror) == first
    assert is_complete(task, OTHER)


def test_a_mirrors_file_is_not_taken_for_the_published_one(wanted, server, mirror, put):
    put("SHA256SUMS", lines((sha256(OTHER), NAME)))
    task = wanted(sha256=sha256(CONTENT))
    obtain(task, mirror)
    server.files[NAME] = CONTENT
    record = obtain(task)
    assert (record.published, record.checksum) == (True, "published")
    assert is_complete(task, CONTENT)


def test_a_folder_that_is_not_there_is_named(wanted, tmp_path):
    place = tmp_path / "none"
    assert f"mirror = {place}: no such folder" in error(wanted(), Mirror(str(place)))


def test_what_cannot_be_written_is_an_error_too(wanted):
    task = wanted()
    task.target.parent.rmdir()
    assert "source: " + NAME in error(task)
    assert "No such file or directory" in error(task)


@pytest.mark.parametrize("mirror_address", [None, NOWHERE])
def test_without_network_the_error_says_what_is_missing_from_where_and_what_to_do(wanted, mirror_address):
    task = wanted(url=ELSEWHERE, sha256=sha256(CONTENT))
    message = error(task, mirror_address and Mirror(mirror_address))
    assert f"source: {NAME} is missing, and cannot be fetched: {NOWHERE}/" in message
    assert "refused" in message
    assert f"Put the file at {task.target}, or set `mirror` in config/config.yaml" in message


GOOD = sha256(CONTENT)


@pytest.mark.parametrize(
    "text",
    [
        f"{GOOD}  {NAME}",
        f"{GOOD} *{NAME}\r\n",
        f"{GOOD}  ./{NAME}",
        f"{GOOD.upper()}  {NAME}",
        f"# a list\n{GOOD}  {NAME}\n",
    ],
)
def test_lists_of_checksums_are_read_as_sha256sum_writes_them(text):
    assert listed(text, NAME, "SHA256SUMS") == GOOD
    assert listed(text, f"my-{NAME}", "SHA256SUMS") is None


@pytest.mark.parametrize("text", [f"{GOOD[1:]}  {NAME}", f"{NAME}  {GOOD}", f"{GOOD}  {NAME}\n{'0' * 64}  {NAME}"])
def test_a_list_that_cannot_be_relied_on_is_refused(text):
    with pytest.raises(SourceError, match=r"SHA256SUMS.*make it anew"):
        listed(text, NAME, "SHA256SUMS")


# What people see


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_terminal_shows_progress_and_nothing_else_does(wanted, monkeypatch):
    for stream in (Terminal(), io.StringIO()):
        monkeypatch.setattr(sys, "stderr", stream)
        task = wanted()
        task.target.unlink(missing_ok=True)
        obtain(task)
        shown = stream.getvalue()
        assert (f"{NAME}:   0%|" in shown) is stream.isatty()
        assert (shown.count("\n"), shown[shown.rfind("\r") :].strip()) == (0, "")  # and the line is empty again


def test_the_log_has_a_line_a_request(wanted, server, caplog):
    server.moods = [{"cut": HALF}]
    with caplog.at_level(logging.INFO, logger="leaveout"):
        obtain(wanted())
    messages = [record.getMessage() for record in caplog.records]
    assert f"{server.address}/{NAME}: from byte 0 of {len(CONTENT)}" in messages
    assert f"{server.address}/{NAME}: from byte {HALF} of {len(CONTENT)}" in messages
    assert len(messages) == 3
