"""Rows of results: what is written is read, and a file of anything else is refused."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from leaveout.effects import SCHEMA, SCHEMA_VERSION, read, table, write
from leaveout.errors import InvalidResults
from rows import study_rows


@pytest.fixture
def path(tmp_path):
    return tmp_path / "random.parquet"


def test_what_is_written_is_read(path):
    rows = study_rows()
    write(rows, path)
    assert read(path).equals(rows)
    assert pq.read_schema(path).metadata[b"schema_version"].decode() == SCHEMA_VERSION


def test_folders_that_look_like_columns_add_none(tmp_path):
    """Variants are named ``regularizer=fixed``, which Parquet readers may take for a partition."""
    folder = tmp_path / "regularizer=fixed" / "effects"
    folder.mkdir(parents=True)
    write(study_rows(), folder / "random.parquet")
    assert read(folder / "random.parquet").equals(study_rows())


def test_rows_that_are_joined_keep_the_schema(path):
    write(pa.concat_tables([study_rows(), study_rows(datasets=("enron",))]), path)
    assert read(path).num_rows == 2 * study_rows().num_rows


def test_a_number_that_is_not_known_is_null(path):
    row = study_rows().to_pylist()[0] | {"effect": float("nan"), "effect_linear": float(np.float64("nan"))}
    write(table([row]), path)
    assert read(path).to_pylist() == [row | {"effect": None, "effect_linear": None}]


def test_a_missing_label_is_not_written(path):
    row = study_rows().to_pylist()[0]
    del row["strategy"]
    with pytest.raises(pa.ArrowInvalid, match="strategy"):
        write(table([row]), path)
    assert not path.exists()


@pytest.mark.parametrize("version", ["0", "2", None])
def test_another_schema_version_is_refused(path, version):
    metadata = {"schema_version": version} if version else None
    pq.write_table(study_rows().replace_schema_metadata(metadata), path)
    with pytest.raises(InvalidResults) as refused:
        read(path)
    assert str(path) in str(refused.value)
    assert f"schema version {SCHEMA_VERSION}, found {version or 'none'} (delete it and run again)" in str(refused.value)


@pytest.mark.parametrize("column", SCHEMA.names)
def test_a_missing_column_is_refused_by_name(path, column):
    pq.write_table(study_rows().drop_columns(column), path)
    with pytest.raises(InvalidResults, match=rf"random\.parquet: wrong columns: {column} \(delete it"):
        read(path)


def test_columns_in_another_order_are_refused(path):
    pq.write_table(study_rows().select(SCHEMA.names[::-1]), path)
    with pytest.raises(InvalidResults, match="wrong columns: order"):
        read(path)


def test_a_column_of_another_type_is_refused_by_name(path):
    rows = study_rows()
    pq.write_table(rows.set_column(8, "size", rows["size"].cast(pa.float64())), path)
    with pytest.raises(InvalidResults, match=r"random\.parquet: wrong columns: size \(delete it"):
        read(path)


@pytest.mark.parametrize("kept", [0, 3, 0.5, 0.99])
def test_a_damaged_file_is_refused_by_name(path, kept):
    write(study_rows(), path)
    content = path.read_bytes()
    path.write_bytes(content[: kept if isinstance(kept, int) else int(kept * len(content))])
    with pytest.raises(InvalidResults, match=r"random\.parquet: .*delete it and run again"):
        read(path)


def test_a_file_that_is_not_there_is_refused_by_name(path):
    with pytest.raises(InvalidResults, match=r"random\.parquet"):
        read(path)
