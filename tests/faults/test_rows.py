"""Files of results that are damaged, or others than they should be: refused by name, with what to delete."""

import errno
import io
import resource
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import leaveout
from conftest import gaussian
from leaveout import array_file, files, parquet
from leaveout.effects import SCHEMA, read, write
from leaveout.errors import InvalidResults, NotWritten
from leaveout.model_file import write_model
from leaveout.removal import RemovalSet, read_removal_sets, write_removal_sets
from rows import study_rows

pytestmark = pytest.mark.faults

SCRIPTS = Path(__file__).parents[2] / "workflow" / "scripts"
STAMP = "stamp:0123456789abcdef:results/demo/digits/base/effects/random.parquet;"
REFUSED = "refused by name, with the file to delete"
ROWS = study_rows(sets=1, strategies=("random",), evaluations=("test_loss",))


@pytest.fixture
def shard(tmp_path):
    """A shard as a job leaves it."""
    path = tmp_path / "random.parquet"
    write(ROWS, path, STAMP)
    return path


def refused(path, reader=read):
    """Whether a file is refused, by name and with the remedy; if it is read, the rows are those that were written."""
    try:
        rows = reader(path)
    except InvalidResults as error:
        message = str(error)
        assert message.startswith(str(path))
        assert "delete it and run again" in message
        return True
    assert rows.equals(ROWS)
    return False


@pytest.mark.fault("a Parquet shard is truncated", "cut at many places", REFUSED)
def test_a_shard_that_was_cut_anywhere_is_refused(shard, record_property):
    content = shard.read_bytes()
    places = [*range(0, len(content) - 20, 31), *range(len(content) - 20, len(content))]
    record_property("trials", len(places))
    for kept in places:
        shard.write_bytes(content[:kept])
        assert refused(shard), kept


@pytest.mark.fault(
    "a byte of a Parquet shard is flipped", "each of its bytes in turn, a random bit", "refused, or the same rows"
)
def test_no_flipped_byte_gives_other_rows(shard, record_property):
    content = shard.read_bytes()
    bits = np.random.default_rng(0).integers(1, 256, size=len(content))
    record_property("trials", len(content))
    read_all_the_same = []
    for i, bit in enumerate(bits):
        damaged = bytearray(content)
        damaged[i] ^= bit
        shard.write_bytes(damaged)
        if not refused(shard):
            read_all_the_same.append(i)
    name = content.rindex(parquet.DIGEST)
    assert set(read_all_the_same) <= set(range(name, name + len(parquet.DIGEST)))  # of the digest's own name


@pytest.mark.fault("a part of a Parquet shard is lost", "zeros in the place of a block", "refused, or the same rows")
@pytest.mark.parametrize("size", [16, 512])
def test_no_block_of_zeros_gives_other_rows(shard, size, record_property):
    content = shard.read_bytes()
    starts = range(0, len(content), size // 2)
    record_property("trials", len(starts))
    for start in starts:
        damaged = bytearray(content)
        damaged[start : start + size] = bytes(len(damaged[start : start + size]))
        shard.write_bytes(damaged)
        assert refused(shard)


@pytest.mark.fault(
    "a byte of a Parquet file without our digest is flipped",
    "in a page of a file of others",
    "refused, or the same rows",
)
def test_damaged_pages_of_files_that_others_wrote_are_refused_by_pyarrows_checksums(tmp_path, record_property):
    path = tmp_path / "random.parquet"
    pq.write_table(ROWS, path, write_page_checksum=True)
    content = path.read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    places = [int(i) for i in np.random.default_rng(1).integers(4, footer, size=200)]
    record_property("trials", len(places))
    found = 0
    for place in places:
        damaged = bytearray(content)
        damaged[place] ^= 0x10
        path.write_bytes(damaged)
        found += refused(path)  # or the same rows: headers of pages hold what nobody needs
    assert found > len(places) / 2


@pytest.mark.fault("a column of a Parquet shard is missing", "written without it", REFUSED)
@pytest.mark.parametrize("column", SCHEMA.names)
def test_a_missing_column_is_named(shard, column):
    parquet.write(ROWS.drop_columns(column), shard, STAMP)
    assert refused(shard)
    with pytest.raises(InvalidResults, match=f"wrong columns: {column} "):
        read(shard)


@pytest.mark.fault("a Parquet shard of another schema version", "written as one", REFUSED)
@pytest.mark.parametrize("version", ["0", "2", "1.0", None])
def test_another_schema_version_is_named(shard, version):
    parquet.write(ROWS.replace_schema_metadata({"schema_version": version} if version else None), shard, STAMP)
    assert refused(shard)
    with pytest.raises(InvalidResults, match=f"schema version 1, found {version or 'none'} "):
        read(shard)


@pytest.mark.fault("further metadata in a Parquet shard", "another tool wrote them", "the same rows")
def test_further_metadata_are_the_writers_affair(shard):
    parquet.write(ROWS.replace_schema_metadata({**ROWS.schema.metadata, "origin": "elsewhere"}), shard, STAMP)
    assert not refused(shard)


@pytest.mark.fault(
    "a byte of the removal sets is flipped", "each of the file's bytes in turn", "refused, or the same sets"
)
def test_no_flipped_byte_gives_other_removal_sets(tmp_path, record_property):
    path, ids = tmp_path / "removal_sets.parquet", np.array([f"s{i}" for i in range(9)], dtype=object)
    sets = [RemovalSet("random", k, 0, np.arange(k)) for k in (1, 3)]
    write_removal_sets(sets, ids, path, STAMP)
    content = path.read_bytes()
    record_property("trials", len(content))
    for i in range(len(content)):
        path.write_bytes(content[:i] + bytes([content[i] ^ 0x41]) + content[i + 1 :])
        try:
            found = read_removal_sets(path, "random")
        except InvalidResults as error:
            assert str(error).startswith(str(path))  # noqa: PT017
        else:
            assert [one.positions.tolist() for one in found] == [[0], [0, 1, 2]]


#: What writes each kind of file, in a folder that is full.
WRITERS = """
import sys
sys.path[:0] = [{scripts!r}, {tests!r}]
import numpy as np
import pandas as pd
import pyarrow as pa
from matplotlib.figure import Figure
import leaveout
from conftest import gaussian
from leaveout import array_file, parquet
from leaveout.errors import NotWritten
from leaveout.figures.style import Drawing, save
from leaveout.model_file import write_model

wide = np.random.default_rng(0).normal(size=(400, 50))
figure, frame = Figure(figsize=(9, 9)), pd.DataFrame(wide)
figure.add_subplot().plot(wide[:, 0])
model = leaveout.fit(*gaussian(20, 2, 0), 1e-3)
FORMS = ("pdf", "png", "svg", "csv")
write = {{
    "rows.parquet": lambda name: parquet.write(pa.Table.from_pandas(frame), name),
    "factor.npy": lambda name: array_file.write_array([wide, wide], name),
    "fit.npz": lambda name: write_model(model, 0.9, name, "small.npy"),
    **{{f"figure.{{form}}": lambda name: save(Drawing(figure, frame), [name]) for form in FORMS}},
}}
for name in sys.argv[1:]:
    try:
        write[name](name)
    except NotWritten as error:
        print(error)
"""
WORDS = {"EFBIG": "the limit of a file's size is reached (ulimit -f)", "ENOSPC": "no space left on the device"}
ROOM = "(finished results are intact: make room and run again)"
WRITTEN = ["rows.parquet", "factor.npy", "fit.npz", "figure.pdf", "figure.png", "figure.svg", "figure.csv"]


def limited():
    """Files of 3 KB at most, as by ulimit -f."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))


@pytest.mark.fault(
    "no room in the middle of a write",
    "a limit of files' sizes (ulimit -f)",
    "an error that says so, the old file intact",
)
def test_a_write_without_room_says_so_and_leaves_the_old_file(tmp_path, record_property):
    for name in WRITTEN:
        (tmp_path / name).write_text("old")
    code = WRITERS.format(scripts=str(SCRIPTS), tests=str(SCRIPTS.parents[1] / "tests"))
    command = [sys.executable, "-B", "-c", code, *WRITTEN]
    done = subprocess.run(command, cwd=tmp_path, preexec_fn=limited, capture_output=True, text=True, check=False)
    record_property("trials", len(WRITTEN))
    assert done.stdout.splitlines() == [f"{name}: not written: {WORDS['EFBIG']} {ROOM}" for name in WRITTEN], (
        done.stderr
    )
    assert {(tmp_path / name).read_text() for name in WRITTEN} == {"old"}
    assert {file.name for file in tmp_path.iterdir()} == {*WRITTEN, "small.npy"}


class Full(io.RawIOBase):
    """A stream on a full disk."""

    def writable(self):
        return True

    def write(self, _):
        raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.fault(
    "no room in the middle of a write", "the system refuses it (ENOSPC)", "an error that says so, the old file intact"
)
@pytest.mark.parametrize("kind", ["array", "model", "rows"])
def test_a_full_disk_is_named_in_words(tmp_path, monkeypatch, kind):
    path = tmp_path / "factor.npy"
    path.write_text("old")
    monkeypatch.setattr(Path, "open", lambda *_, **__: Full())
    monkeypatch.setattr(Path, "write_bytes", lambda *_: Full().write(b""))
    write_it = {
        "array": lambda: array_file.write_array([np.ones((3, 2))], path),
        "model": lambda: write_model(leaveout.fit(*gaussian(20, 2, 0), 1e-3), 0.9, tmp_path / "fit.npz", path),
        "rows": lambda: parquet.write(ROWS, path),
    }[kind]
    with pytest.raises(NotWritten) as error:
        write_it()
    monkeypatch.undo()
    assert str(error.value) == f"{path}: not written: {WORDS['ENOSPC']} {ROOM}"
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.fault(
    "a half-written file that nobody finished", "left by a writer that was killed", "never read, removed by the next"
)
def test_what_a_killed_writer_left_is_neither_read_nor_kept(tmp_path):
    (tmp_path / f"{files.UNFINISHED}0123456789abcdef.random.parquet").write_bytes(b"PAR1 half")
    with pytest.raises(InvalidResults, match=r"random\.parquet"):
        read(tmp_path / "random.parquet")
    write(ROWS, tmp_path / "random.parquet", STAMP)
    assert [file.name for file in tmp_path.iterdir()] == ["random.parquet"]
    assert not refused(tmp_path / "random.parquet")


@pytest.mark.fault("rows that are the same", "written again, and read and written", "the same bytes")
def test_the_same_rows_are_the_same_bytes(shard, tmp_path):
    write(ROWS, tmp_path / "again.parquet", STAMP)
    write(read(shard), tmp_path / "copy.parquet", STAMP)
    assert shard.read_bytes() == (tmp_path / "again.parquet").read_bytes() == (tmp_path / "copy.parquet").read_bytes()
    assert pa.Table.equals(pq.read_table(shard), ROWS)  # others read it too
