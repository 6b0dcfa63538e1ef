"""Chunks: what a job has written survives it, and nothing that is stale or damaged is believed."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaveout.chunks import Chunks

SAMPLES = np.arange(10.0)
SIZE = 3


class Counted:
    """A function that remembers what it was called with; arrays of two columns, or texts."""

    def __init__(self, texts=False, fails_at=None):
        self.calls, self.texts, self.fails_at = [], texts, fails_at

    def __call__(self, part):
        if len(self.calls) == self.fails_at:
            raise KeyboardInterrupt
        self.calls.append(list(part))
        return [f"é{x:g}\n" for x in part] if self.texts else np.stack([part, part**2], axis=1)


def joined(results):
    return [row for result in results for row in (result if isinstance(result, list) else result.tolist())]


def expected(texts):
    return joined([Counted(texts)(SAMPLES)])


@pytest.fixture(params=[False, True], ids=["arrays", "texts"])
def texts(request):
    return request.param


@given(n=st.integers(1, 12), size=st.integers(1, 13))
def test_results_come_in_the_order_of_the_samples(tmp_path_factory, n, size):
    chunks = Chunks(tmp_path_factory.mktemp("chunks") / "all", "key")
    assert joined(chunks.map(Counted(), SAMPLES[:n], size)) == expected(False)[:n]


def test_what_is_written_is_not_computed_again(tmp_path, texts):
    first, second = Counted(texts), Counted(texts)
    before = joined(Chunks(tmp_path, "key").map(first, SAMPLES, SIZE))
    assert [len(call) for call in first.calls] == [3, 3, 3, 1]
    assert joined(Chunks(tmp_path, "key").map(second, SAMPLES, SIZE)) == before == expected(texts)
    assert second.calls == []


def test_arrays_keep_their_type_and_bytes(tmp_path):
    values = np.array([[np.pi], [np.nan], [-0.0]], dtype=np.float32)
    for _ in range(2):
        results = list(Chunks(tmp_path, "key").map(lambda part: part, values, 2))
        assert {result.dtype for result in results} == {values.dtype}
        assert np.concatenate(results).tobytes() == values.tobytes()


def test_an_interrupted_computation_goes_on_where_it_was(tmp_path, texts):
    interrupted, again = Counted(texts, fails_at=2), Counted(texts)
    with pytest.raises(KeyboardInterrupt):
        list(Chunks(tmp_path, "key").map(interrupted, SAMPLES, SIZE))
    assert joined(Chunks(tmp_path, "key").map(again, SAMPLES, SIZE)) == expected(texts)
    assert interrupted.calls + again.calls == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]


KILLED = """
import os, signal, sys
from pathlib import Path
import numpy as np
from leaveout.chunks import Chunks

def function(part):
    if part[0] == 6:
        os.kill(os.getpid(), signal.SIGKILL)
    return np.stack([part, part**2], axis=1)

list(Chunks(Path(sys.argv[1]), "key").map(function, np.arange(10.0), 3))
"""


def test_a_killed_process_leaves_its_chunks(tmp_path):
    path = os.pathsep.join(sys.path)
    command = [sys.executable, "-c", KILLED, str(tmp_path)]
    assert subprocess.run(command, env=os.environ | {"PYTHONPATH": path}, check=False).returncode == -9
    again = Counted()
    assert joined(Chunks(tmp_path, "key").map(again, SAMPLES, SIZE)) == expected(False)
    assert again.calls == [[6, 7, 8], [9]]


def written(folder, texts):
    list(Chunks(folder, "key").map(Counted(texts), SAMPLES, SIZE))
    return sorted((folder / "key").iterdir())[1]


@pytest.mark.parametrize("kept", [0.0, 0.02, 0.3, 0.7, 0.99])
def test_a_chunk_that_was_cut_off_is_computed_again(tmp_path, texts, kept):
    file = written(tmp_path, texts)
    content = file.read_bytes()
    file.write_bytes(content[: int(kept * len(content))])
    again = Counted(texts)
    assert joined(Chunks(tmp_path, "key").map(again, SAMPLES, SIZE)) == expected(texts)
    assert again.calls == [[3, 4, 5]]
    assert file.read_bytes() == content  # and is written again


@pytest.mark.parametrize("content", [b"\0" * 200, b"\xff\xfe", b"null", b"3", b'["one"]', b"PK\3\4", b"\x80\4\x95."])
def test_a_chunk_that_holds_something_else_is_computed_again(tmp_path, texts, content):
    written(tmp_path, texts).write_bytes(content)
    again = Counted(texts)
    assert joined(Chunks(tmp_path, "key").map(again, SAMPLES, SIZE)) == expected(texts)
    assert again.calls == [[3, 4, 5]]


def test_a_chunk_with_too_few_results_is_computed_again(tmp_path):
    np.save(written(tmp_path, texts=False), np.zeros((2, 2)))
    assert joined(Chunks(tmp_path, "key").map(Counted(), SAMPLES, SIZE)) == expected(False)


def test_chunks_of_another_key_are_removed_and_not_believed(tmp_path):
    list(Chunks(tmp_path, "old").map(Counted(), SAMPLES, SIZE))
    (tmp_path / "stray").touch()
    counted = Counted()
    assert joined(Chunks(tmp_path, "new").map(counted, SAMPLES, SIZE)) == expected(False)
    assert len(counted.calls) == 4
    assert [folder.name for folder in tmp_path.iterdir()] == ["new"]


def test_chunks_of_another_size_are_not_mistaken(tmp_path):
    for size in (3, 4, 2):
        assert joined(Chunks(tmp_path, "key").map(Counted(), SAMPLES, size)) == expected(False)


@pytest.mark.parametrize("size", [10, 11, sys.maxsize])
def test_what_is_all_one_chunk_writes_nothing(tmp_path, size):
    counted = Counted()
    assert joined(Chunks(tmp_path / "none", "key").map(counted, SAMPLES, size)) == expected(False)
    assert len(counted.calls) == 1
    assert not (tmp_path / "none").exists()


def test_discarding_leaves_nothing(tmp_path):
    chunks = Chunks(tmp_path / "chunks", "key")
    list(chunks.map(Counted(), SAMPLES, SIZE))
    chunks.discard()
    chunks.discard()  # of nothing
    assert list(Path(tmp_path).iterdir()) == []
