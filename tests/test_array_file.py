"""Arrays on disk: what numpy would have written, streamed, and read without trust."""

import hashlib
import io

import numpy as np
import pytest

from leaveout import array_file
from leaveout.array_file import mapped, write_array
from leaveout.errors import InvalidData


@pytest.mark.parametrize("piece", [1, 100, 1 << 24])
@pytest.mark.parametrize("kind", ["<f4", "<f8"])
def test_parts_are_written_as_numpy_writes_the_whole(tmp_path, monkeypatch, piece, kind):
    monkeypatch.setattr(array_file, "PIECE", piece)
    parts = [
        np.arange(12.0).reshape(4, 3),
        np.asfortranarray(np.ones((2, 3))),
        np.empty((0, 3)),
        np.zeros((1, 6))[:, ::2],
    ]
    parts = [part.astype(kind) for part in parts]
    sha256 = write_array(parts, tmp_path / "array.npy")
    expected = io.BytesIO()
    np.save(expected, np.concatenate(parts))
    assert (tmp_path / "array.npy").read_bytes() == expected.getvalue()
    assert sha256 == hashlib.sha256(expected.getvalue()).hexdigest()
    assert mapped(tmp_path / "array.npy").tolist() == np.concatenate(parts).tolist()


def test_an_array_is_mapped_not_read(tmp_path):
    write_array([np.ones((3, 2))], tmp_path / "array.npy")
    found = mapped(tmp_path / "array.npy")
    assert isinstance(found, np.memmap)
    assert not found.flags.writeable


@pytest.mark.parametrize(
    "content", [b"", b"\x93NUMPY", b"PK\3\4", b"\x80\4\x95.", b"\x93NUMPY\1\0\4\0{[(\n", bytes(200)]
)
def test_what_is_no_array_is_refused_by_name(tmp_path, content):
    (tmp_path / "array.npy").write_bytes(content)
    with pytest.raises(InvalidData, match=r"array\.npy: no array that can be read: .*\(delete it and run again\)"):
        mapped(tmp_path / "array.npy")


def test_a_truncated_array_is_refused_by_name(tmp_path):
    write_array([np.ones((30, 20))], tmp_path / "array.npy")
    content = (tmp_path / "array.npy").read_bytes()
    (tmp_path / "array.npy").write_bytes(content[:-1])
    with pytest.raises(InvalidData, match=r"array\.npy: no array that can be read"):
        mapped(tmp_path / "array.npy")


def test_an_array_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InvalidData, match=r"none\.npy"):
        mapped(tmp_path / "none.npy")
