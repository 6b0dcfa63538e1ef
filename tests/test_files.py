"""Files exist completely or not at all."""

import errno
import os
from pathlib import Path

import pytest

from leaveout.errors import NotWritten
from leaveout.files import complete


def write_half(path):
    with complete(path) as unfinished:
        unfinished.write_text("half")
        raise RuntimeError("interrupted")


def test_a_file_appears_when_it_is_complete(tmp_path):
    with complete(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("all of it")
        assert not (tmp_path / "file.txt").exists()
        assert unfinished.parent == tmp_path  # so that the move is one step of the file system
    assert (tmp_path / "file.txt").read_text() == "all of it"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_an_error_leaves_nothing(tmp_path):
    with pytest.raises(RuntimeError):
        write_half(tmp_path / "file.txt")
    assert list(tmp_path.iterdir()) == []


def test_an_error_leaves_an_older_file_as_it_was(tmp_path):
    (tmp_path / "file.txt").write_text("old")
    with pytest.raises(RuntimeError):
        write_half(tmp_path / "file.txt")
    assert (tmp_path / "file.txt").read_text() == "old"


def test_the_name_keeps_its_ending(tmp_path):
    """Writers such as numpy.savez append their own to a name without it."""
    with complete(tmp_path / "fit.npz") as unfinished:
        assert unfinished.suffix == ".npz"
        unfinished.touch()


def test_a_writer_that_wrote_nothing_is_an_error(tmp_path):
    with pytest.raises(NotWritten, match=r"file\.txt: not written: what was written so far is gone"):
        write_nothing(tmp_path / "file.txt")


def write_nothing(path):
    with complete(path):
        pass


def test_two_writers_of_one_file_never_share_a_name(tmp_path):
    """A job that was left behind, and the one that was started in its place."""
    with complete(tmp_path / "file.txt") as newer:
        newer.write_text("newer")
        with complete(tmp_path / "other.txt") as other:
            assert len({newer, other}) == 2
            other.write_text("other")
        assert newer.exists()  # the writer of another file takes nothing away
    assert (tmp_path / "file.txt").read_text() == "newer"


def test_a_writer_whose_place_was_taken_fails_and_the_newer_file_stays(tmp_path):
    path = tmp_path / "file.txt"

    def superseded():
        with complete(path) as older:
            older.write_text("half")
            with complete(path) as newer:
                assert not older.exists()
                newer.write_text("newer")

    with pytest.raises(NotWritten, match="another job has begun the same file"):
        superseded()
    assert path.read_text() == "newer"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", [".unfinished.file.txt", ".unfinished.0123456789abcdef.file.txt"])
def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path, name):
    others = [tmp_path / other for other in (f"{name}.npy", ".unfinished.0123456789abcdef.my.file.txt", "x.txt")]
    for file in (tmp_path / name, *others):
        file.write_text("half")
    with complete(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("whole")
    assert sorted(tmp_path.iterdir()) == sorted([*others, tmp_path / "file.txt"])


@pytest.mark.parametrize(
    "number, words",
    [
        (errno.ENOSPC, "no space left on the device (finished results are intact: make room and run again)"),
        (errno.EDQUOT, "the disk quota is used up (finished results are intact: make room and run again)"),
        (errno.EFBIG, "the limit of a file's size is reached (ulimit -f) (finished results are intact: make room"),
        (errno.EROFS, "the file system is read-only (finished results are intact: mend that and run again)"),
        (None, "12 requested and 3 written (finished results are intact"),
    ],
)
def test_what_the_system_refuses_is_said_in_words_with_the_files_name(tmp_path, number, words):
    (tmp_path / "file.txt").write_text("old")

    def refused():
        with complete(tmp_path / "file.txt"):
            raise OSError(number, "as the system says") if number else OSError("12 requested and 3 written")

    with pytest.raises(NotWritten) as error:
        refused()
    assert str(error.value).startswith(f"{tmp_path / 'file.txt'}: not written: {words}")
    assert (tmp_path / "file.txt").read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["file.txt"]


def test_the_content_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, Path.replace
    monkeypatch.setattr(os, "fsync", lambda descriptor: steps.append("settled") or fsync(descriptor))
    monkeypatch.setattr(Path, "replace", lambda self, other: steps.append("named") or replace(self, other))
    with complete(tmp_path / "file.txt") as unfinished:
        unfinished.write_text("all of it")
    assert steps == ["settled", "named"]
