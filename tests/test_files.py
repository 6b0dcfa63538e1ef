"""Files exist completely or not at all."""

import pytest

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
    with pytest.raises(FileNotFoundError), complete(tmp_path / "file.txt"):
        pass
