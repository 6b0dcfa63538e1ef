"""Parquet files are read without what most jobs have no use for; who wants pandas gets it."""

import ast
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaveout import parquet
from leaveout.errors import InvalidResults

SCRIPTS = Path(__file__).parents[1] / "workflow" / "scripts"
#: Each takes longer to load than a small shard takes to measure.
SLOW = ("pandas", "pyarrow.compute", "pyarrow.dataset", "scipy.spatial", "scipy.stats", "sklearn", "matplotlib")


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "rows.parquet"
    parquet.write(pa.table({"id": ["a", "b"], "y": pa.array([0, 1], pa.int8())}), path)
    return path


def in_a_process_of_its_own(code, *arguments):
    """What a fresh interpreter prints."""
    command = [sys.executable, "-W", "error", "-c", code, *map(str, arguments)]
    environment = {"PYTHONPATH": str(SCRIPTS)}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout.split()


def imports_of(script):
    """The import statements of a script."""
    tree = ast.parse((SCRIPTS / f"{script}.py").read_text())
    return "\n".join(ast.unparse(node) for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom))


@pytest.mark.parametrize("script", ["fit", "removal_sets", "effects", "poisoning", "detection", "suspects"])
def test_a_job_that_reads_and_writes_rows_loads_nothing_slow(file, tmp_path, script):
    work = """
import sys
from leaveout import parquet
from leaveout.errors import InvalidResults
rows = parquet.read(sys.argv[1])
rows["id"].to_numpy(zero_copy_only=False), rows["y"].to_numpy(zero_copy_only=False), rows["id"].to_pylist()
parquet.write(type(rows).from_pylist(rows.to_pylist(), schema=rows.schema), sys.argv[2])
print(*sys.modules)
"""
    loaded = in_a_process_of_its_own(imports_of(script) + work, file, tmp_path / "again.parquet")
    assert "pyarrow.parquet" in loaded
    assert not set(SLOW) & set(loaded)
    assert parquet.read(tmp_path / "again.parquet") == parquet.read(file)


def test_pandas_is_there_for_whoever_converts_to_it(file):
    code = """
import sys
from leaveout import parquet
from leaveout.errors import InvalidResults
rows = parquet.read(sys.argv[1])
frame = rows.to_pandas()
import pandas
import pyarrow
print(pyarrow.Table.from_pandas(frame).to_pylist() == rows.to_pylist())
print(pyarrow.array(pandas.Series([0.5, None])).null_count)
"""
    assert in_a_process_of_its_own(code, file) == ["True", "1"]


def test_some_columns_are_read_and_no_others(file):
    assert parquet.read(file, ["y"]).column_names == ["y"]


def test_a_table_that_cannot_be_written_leaves_the_file_as_it_was(file):
    before = file.read_bytes()
    with pytest.raises(AttributeError):
        parquet.write("no table", file)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_a_file_has_a_digest_that_others_can_ignore(file):
    assert pq.read_table(file).equals(parquet.read(file))
    assert set(pq.read_metadata(file).metadata) == {b"ARROW:schema", parquet.DIGEST}
    assert parquet.read(file).schema.metadata is None


def test_a_byte_that_has_changed_is_found_before_anything_is_decoded(file, monkeypatch):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    monkeypatch.setattr(pq, "ParquetFile", lambda *_, **__: pytest.fail("it was decoded"))
    with pytest.raises(
        InvalidResults, match=r"rows\.parquet: damaged: its bytes are not those that were written \(delete"
    ):
        parquet.read(file)


def test_a_file_of_others_is_read_without_a_digest(file):
    pq.write_table(pa.table({"id": ["a"]}), file)
    assert parquet.read(file).to_pylist() == [{"id": "a"}]


@pytest.mark.parametrize("content", [b"", b"PAR1", b"PAR1" * 4, b"no parquet at all"])
def test_what_is_no_parquet_is_refused_by_name(file, content):
    file.write_bytes(content)
    with pytest.raises(InvalidResults, match=r"rows\.parquet: .*\(delete it and run again\)"):
        parquet.read(file)


def test_the_same_table_gives_the_same_bytes(file, tmp_path):
    parquet.write(parquet.read(file), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == file.read_bytes()
