"""Stamps: what files say of what made them, and what is refused or made again because of it."""

import os
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from conftest import case
from leaveout import parquet
from leaveout.errors import InvalidResults, OtherSettings
from leaveout.model_file import write_model
from leaveout.stamps import Stamp, date, read_stamp, refuse_others

STAMP = Stamp("results/tiny/digits/n_train=7/effects/random.parquet", "0123456789abcdef")
OTHERS = {"settings": replace(STAMP, settings="f" * 16), "name": replace(STAMP, name="results/rif/x.parquet")}
#: A time of last year, in ns.
WRITTEN = 1_750_000_000_123_456_789


@pytest.fixture(params=["parquet", "npz"])
def stamped(request, tmp_path):
    """Write a file with a stamp, or without one; return its path."""

    def write(stamp):
        path = tmp_path / f"file.{request.param}"
        if request.param == "parquet":
            parquet.write(pa.table({"x": [1.0, 2.0]}), path, None if stamp is None else str(stamp))
        else:
            write_model(case().model, 0.9, path, tmp_path / "factor.npy", *([] if stamp is None else [str(stamp)]))
        os.utime(path, ns=(WRITTEN, WRITTEN))
        return path

    return write


def test_a_stamp_is_read_as_it_was_written(stamped):
    assert read_stamp(stamped(STAMP)) == STAMP
    assert read_stamp(stamped(None)) is None


def test_a_stamp_changes_no_row(tmp_path):
    table = pa.table({"x": [1.0, 2.0]}).replace_schema_metadata({"schema_version": "1"})
    parquet.write(table, tmp_path / "file.parquet", str(STAMP))
    found = pq.read_table(tmp_path / "file.parquet")
    assert found.equals(table)
    assert found.schema.metadata == {b"schema_version": b"1", b"stamp": str(STAMP).encode()}


def test_what_is_damaged_or_not_there_has_no_stamp(stamped, tmp_path):
    assert read_stamp(tmp_path / "missing.parquet") is None
    path = stamped(STAMP)
    content = path.read_bytes()
    for length in (*range(12), len(content) // 2, len(content) - 1):
        path.write_bytes(content[:length])
        assert read_stamp(path) is None
    path.write_bytes(bytes(range(256)) * 4)
    assert read_stamp(path) is None


def test_files_with_their_stamps_are_accepted(stamped):
    refuse_others({str(stamped(STAMP)): str(STAMP)})


@pytest.mark.parametrize(
    ("stamp", "error", "words"),
    [
        (None, InvalidResults, "damaged, or not made by this workflow"),
        (OTHERS["name"], InvalidResults, "made as results/rif/x.parquet"),
        (OTHERS["settings"], OtherSettings, "made by other settings than the configuration has now"),
    ],
    ids=["none", "name", "settings"],
)
def test_other_files_are_refused_by_name_with_the_remedy(stamped, stamp, error, words):
    path = stamped(stamp)
    with pytest.raises(error) as refused:
        refuse_others({str(path): str(STAMP)})
    assert str(refused.value) == f"{path}: {words} (delete it and run again)"


def test_what_other_settings_made_is_older_than_any_script_until_they_are_the_settings_again(stamped):
    path = stamped(STAMP)
    for _ in range(2):
        date(path, OTHERS["settings"])
        assert 0 < path.stat().st_mtime < 20 * 365 * 86400
    for _ in range(2):
        date(path, STAMP)
        assert path.stat().st_mtime_ns == WRITTEN


@pytest.mark.parametrize("stamp", [None, OTHERS["name"]], ids=["none", "name"])
def test_what_its_reader_must_refuse_is_not_made_again_silently(stamped, stamp):
    path = stamped(stamp)
    date(path, STAMP)
    assert path.stat().st_mtime_ns == WRITTEN


def test_nothing_is_dated_where_nothing_is(tmp_path):
    date(tmp_path / "missing.npz", STAMP)


def test_an_npz_file_without_arrays_has_no_stamp(tmp_path):
    np.savez(tmp_path / "empty.npz")
    assert read_stamp(tmp_path / "empty.npz") is None
