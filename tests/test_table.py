"""Features of the user's own: the same records from every kind of file, and every mistake by its place and remedy."""

import csv
import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leaveout.datasets import parser
from leaveout.datasets.table import class_names, parse
from leaveout.errors import InvalidData, LeaveoutError, SourceError

KINDS = ("csv", "npz", "parquet")
#: Text that a csv can hold as it is (arrays of text in npz lose zeros at their end), without blanks around it.
CHARACTERS = st.characters(codec="utf-8", exclude_characters="\0\r")
TEXT = st.text(CHARACTERS, min_size=1, max_size=8).filter(lambda text: pc.utf8_trim_whitespace(text).as_py() == text)
LABELS = st.one_of(
    st.lists(st.sampled_from(["cat", "dog", "007", "a,b", "1", "1.0", "true"]), min_size=1, max_size=8),
    st.lists(st.integers(-3, 3), min_size=1, max_size=8),
    st.lists(st.sampled_from([0.0, 1.0, 2.5, -1.0]), min_size=1, max_size=8),
    st.lists(st.booleans(), min_size=1, max_size=8),
)
SINGLE = st.floats(width=32, allow_nan=False, allow_infinity=False)


def write(path, ids, labels, X, split=None):
    """One file of any kind, by the tools that a user has."""
    columns = {"id": ids, "label": labels} | ({} if split is None else {"split": split})
    if path.suffix == ".npz":
        np.savez(path, features=X, **{name: np.array(values) for name, values in columns.items()})
        return path
    frame = pd.DataFrame(columns | {f"x{j}": X[:, j] for j in range(X.shape[1])})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False, quoting=csv.QUOTE_MINIMAL)
    else:
        frame.to_parquet(path)
    return path


def same(found, wanted):
    assert (found.ids, found.classes, found.split) == (wanted.ids, wanted.classes, wanted.split)
    assert found.payload.dtype == wanted.payload.dtype == np.float32
    assert found.payload.tobytes() == wanted.payload.tobytes()


@st.composite
def data(draw):
    labels = draw(LABELS)
    n, d = len(labels), draw(st.integers(1, 4))
    numbers = st.one_of(TEXT, st.just("007"))
    ids = draw(
        st.one_of(
            st.lists(numbers, min_size=n, max_size=n, unique=True),
            st.lists(st.integers(-(2**63), 2**63 - 1), min_size=n, max_size=n, unique=True),
        )
    )
    X = np.array(draw(st.lists(SINGLE, min_size=n * d, max_size=n * d)), dtype=np.float32).reshape(n, d)
    split = draw(st.none() | st.lists(st.sampled_from(["train", "test"]), min_size=n, max_size=n))
    return ids, labels, X, split


@given(data())
def test_every_kind_of_file_gives_the_same_records(tmp_path_factory, drawn):
    ids, labels, X, split = drawn
    folder = tmp_path_factory.mktemp("table")
    records = [parse(write(folder / f"mine.{kind}", *drawn)) for kind in KINDS]
    assert records[0].ids == [str(name) for name in ids]
    assert records[0].classes == class_names([str(label) for label in labels])
    assert records[0].split == split
    assert np.array_equal(records[0].payload, X)
    for others in records[1:]:
        same(others, records[0])


@given(data(), st.integers(1, 7))
def test_several_files_are_one_after_the_other(tmp_path_factory, drawn, cut):
    ids, labels, X, split = drawn
    folder = tmp_path_factory.mktemp("table")
    if cut >= len(ids):
        cut = 0
    for kind in KINDS:
        parts = [slice(cut, None)] if not cut else [slice(0, cut), slice(cut, None)]
        files = [
            write(folder / f"{i}.{kind}", ids[part], labels[part], X[part], split and split[part])
            for i, part in enumerate(parts)
        ]
        same(parse(*files), parse(write(folder / f"whole.{kind}", *drawn)))


def test_the_configuration_reaches_it_by_its_name(tmp_path):
    path = write(tmp_path / "mine.csv", ["a"], [1], np.ones((1, 2)))
    same(parser("table")(path), parse(path))


@pytest.fixture
def table(tmp_path):
    """Parse a csv of the given text."""

    def parsed(text, name="mine.csv"):
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
        return parse(tmp_path / name)

    return parsed


def test_blanks_around_names_are_none_of_theirs(table):
    records = table("id,label,split,x\n a , 1,train ,1\nb,0 , test,2\n")
    assert records.ids == ["a", "b"]
    assert records.classes == ["1", "0"]
    assert records.split == ["train", "test"]
    with pytest.raises(InvalidData, match="id 'a' occurs 2 times"):
        table("id,label,x\na,1,1\na ,0,2\n")


def test_text_that_looks_like_a_number_stays_text(table):
    assert table("id,label,x\n007,01,1\n7,1e3,2\n7.0,x,3\nNA,NA,4\nnull,null,5\n").ids == [
        "007",
        "7",
        "7.0",
        "NA",
        "null",
    ]
    assert table("id,label,x\n007,01,1\n7,1e3,2\nNA,NA,4\n").classes == ["01", "1e3", "NA"]


@pytest.mark.parametrize(
    ("labels", "names"),
    [
        (["1", "1.0", "+1", "0", "-1", "0.50", "-0.0"], ["1", "1", "1", "0", "-1", "0.50", "0"]),
        (["True", "false", "TRUE"], ["1", "0", "1"]),
        (["true", "false", "unknown"], ["true", "false", "unknown"]),
        (["true", "1"], ["true", "1"]),
        (["", " 1", "１"], ["", " 1", "１"]),
        (["9" * 30 + ".0"], ["9" * 30]),
    ],
)
def test_names_of_classes(labels, names):
    assert class_names(labels) == names


@pytest.mark.parametrize("kind", [np.bool_, np.int8, np.uint64, np.float32, np.float16, np.float64, str, np.bytes_])
def test_labels_of_any_type_are_the_same_classes(tmp_path, kind):
    labels = np.array([0, 1, 1]).astype(kind)
    files = [tmp_path / "mine.npz", tmp_path / "mine.parquet"]
    np.savez(files[0], id=np.arange(3), label=labels, features=np.ones((3, 1)))
    columns = {"id": pa.array([0, 1, 2]), "label": pa.array(np.char.decode(labels) if kind is np.bytes_ else labels)}
    pq.write_table(pa.table(columns | {"x": pa.array([1.0, 1.0, 1.0])}), files[1])
    for file in files:
        assert parse(file).classes == ["0", "1", "1"]


def test_large_integers_stay_exact_as_ids(tmp_path):
    ids = [2**53, 2**53 + 1, 2**64 - 1]
    for kind in KINDS:
        path = write(tmp_path / f"mine.{kind}", np.array(ids, dtype=np.uint64), [0, 1, 1], np.ones((3, 1)))
        assert parse(path).ids == [str(name) for name in ids]


@pytest.mark.parametrize("kind", ["npz", "parquet"])
def test_large_ids_that_floating_point_has_rounded_are_refused(tmp_path, kind):
    path = write(tmp_path / f"mine.{kind}", np.array([1.0, 2.0**53]), [0, 1], np.ones((2, 1)))
    with pytest.raises(InvalidData, match=r"column id holds 9007199254740992 in floating point.*integers or text"):
        parse(path)
    assert parse(write(path, np.array([1.0, 2.5]), [0, 1], np.ones((2, 1)))).ids == ["1", "2.5"]


def test_columns_of_every_kind_of_number_are_features_in_the_files_order(tmp_path):
    columns = {
        "z": pa.array([1, 2], pa.int8()),
        "id": pa.array(["a", "b"], pa.large_string()),
        "truth": pa.array([True, False]),
        "category": pa.array([7, 8]).dictionary_encode(),
        "label": pa.array(["cat", "dog"]).dictionary_encode(),
        "half": pa.array(np.array([0.5, 2], np.float16)),
        "decimal": pa.array([1, 2], pa.decimal128(5, 2)),
        "Sepal.Length": pa.array([2**60, 1], pa.uint64()),
        "Sepal": pa.array([3.0, 4.0], pa.float32()),
    }
    pq.write_table(pa.table(columns), tmp_path / "mine.parquet")
    records = parse(tmp_path / "mine.parquet")
    assert records.ids == ["a", "b"]
    assert records.classes == ["cat", "dog"]
    assert records.payload.tolist() == [[1, 1, 7, 0.5, 1, 2.0**60, 3], [2, 0, 8, 2, 2, 1, 4]]


def test_a_csv_spells_numbers_in_many_ways(table):
    records = table('\ufeffid,label,x,y\n"a\nb",1, 1.5 ,True\nb,0,-2e-3,FALSE\n\nc,1,+3,.5\n')
    assert records.ids == ["a\nb", "b", "c"]
    assert records.payload.tolist() == np.array([[1.5, 1], [-2e-3, 0], [3, 0.5]], np.float32).tolist()


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.large_list(pa.float32()), pa.list_(pa.int64(), 2)])
def test_one_column_may_hold_all_features_as_lists(tmp_path, kind):
    features = pa.array([[1, 2], [3, 4], [5, 6]], kind)
    pq.write_table(
        pa.table({"features": features, "id": ["a", "b", "c"], "label": [0, 1, 1]}), tmp_path / "mine.parquet"
    )
    assert parse(tmp_path / "mine.parquet").payload.tolist() == [[1, 2], [3, 4], [5, 6]]


def test_a_column_of_numbers_may_be_named_features(table):
    assert table("id,label,features,x\na,1,2,3\n").payload.tolist() == [[2, 3]]


def test_an_index_of_pandas_is_no_feature(tmp_path):
    """One without a name, one with, and the ids themselves as index."""
    frame = pd.DataFrame({"id": ["a", "b", "c"], "label": [0, 1, 1], "x": [1.0, 2.0, 3.0]})
    filtered = frame.set_axis([5, 9, 6])[frame.x.to_numpy() != 2]
    filtered.to_parquet(tmp_path / "nameless.parquet")
    assert "__index_level_0__" in pq.read_schema(tmp_path / "nameless.parquet").names
    filtered.rename_axis("customer").to_parquet(tmp_path / "named.parquet")
    filtered.set_index("id").to_parquet(tmp_path / "ids.parquet")
    for name in ("nameless", "named", "ids"):
        records = parse(tmp_path / f"{name}.parquet")
        assert records.ids == ["a", "c"]
        assert records.payload.tolist() == [[1], [3]]


def test_the_remedy_for_an_index_in_a_csv_is_its_name(tmp_path):
    frame = pd.DataFrame({"id": ["a", "b"], "label": [0, 1], "x": [1.0, 2.0]})
    frame.to_csv(tmp_path / "mine.csv")
    with pytest.raises(InvalidData, match=r"mine\.csv: column 1 is named '', as pandas names an index .*index=False"):
        parse(tmp_path / "mine.csv")
    pd.read_csv(tmp_path / "mine.csv").to_parquet(tmp_path / "mine.parquet")
    with pytest.raises(InvalidData, match=r"mine\.parquet: column 1 is named 'Unnamed: 0'"):
        parse(tmp_path / "mine.parquet")


def test_more_rows_than_are_decoded_together_stay_in_order(tmp_path):
    n = 20_000
    X = np.arange(2.0 * n, dtype=np.float32).reshape(n, 2)
    path = write(tmp_path / "mine.parquet", np.arange(n), np.arange(n) % 2, X)
    records = parse(path)
    assert records.ids == [str(i) for i in range(n)]
    assert np.array_equal(records.payload, X)
    X[-1, 1] = np.nan
    with pytest.raises(InvalidData, match=r"column x1 of id '19999' is empty or NaN \(1 such cells"):
        parse(write(path, np.arange(n), np.arange(n) % 2, X))


HEAD = "id,label,x,y\n"
WRONG_CSV = [
    ("", "the file is empty"),
    (HEAD, "the file is empty (give a row for each sample)"),
    (
        "id,x,y\na,1,2\n",
        "no column 'label'; the columns are 'id', 'x', 'y' (name two id and label, separated by commas)",
    ),
    ("id;label;x\na;1;2\n", "no column 'id', 'label'; the columns are 'id;label;x'"),
    ("a,1,2\nb,0,3\n", "no column 'id', 'label'; the columns are 'a', '1', '2'"),
    ("ID,label,x\na,1,2\n", "no column 'id'; the columns are 'ID', 'label', 'x'"),
    ("id,label\na,1\n", "no feature column beside 'id', 'label'"),
    ("id,label,x,x\na,1,2,3\n", "columns that occur more than once: 'x'"),
    ("id,id,label,x\na,b,1,3\n", "columns that occur more than once: 'id'"),
    (HEAD + "a,1,2,3\n,0,1,1\n,0,1,1\n", "id of row 2 is empty (2 such rows"),
    (HEAD + "a,1,2,3\nb,0,1,1\na,0,1,1\n", "id 'a' occurs 2 times, in rows 1 and 3 (1 such ids; make them unique)"),
    (HEAD + "a,,2,3\n", "label of id 'a' is '' (1 such rows"),
    (HEAD + "a,1,2,3\nid,label,x,y\n", "column x of id 'id' is 'x', no number"),
    (HEAD + "a,1,2,3\nb,1,2,3 mm\n", "column y of id 'b' is '3 mm', no number (write numbers without units"),
    (HEAD + 'a,1,2,"3,5"\n', "column y of id 'a' is '3,5', no number"),
    (HEAD + "a,1,2,1+2j\n", "column y of id 'a' is '1+2j', no number"),
    (HEAD + "a,1,2,1_0\n", "column y of id 'a' is '1_0', no number"),
    (HEAD + "a,1,2,3\nb,1,,3\nc,1,2,\n", "column x of id 'b' is empty or NaN (2 such cells; fill them in"),
    (HEAD + "a,1,2,NA\n", "column y of id 'a' is empty or NaN (1 such cells"),
    (HEAD + "a,1,2,inf\n", "column y of id 'a' is infinite, or too large for single precision"),
    (HEAD + "a,1,2,-1e39\n", "column y of id 'a' is infinite, or too large for single precision"),
    ("id,label,split,x\na,1,train,2\nb,1,Test,2\n", "split of id 'b' is 'Test' (1 such rows; train or test for every"),
    ("id,label,split,x\na,1,train,2\nb,1,,2\n", "split of id 'b' is ''"),
]


@pytest.mark.parametrize(("text", "message"), WRONG_CSV, ids=[message[:40] for _, message in WRONG_CSV])
def test_what_is_wrong_in_a_csv_is_named(table, text, message):
    with pytest.raises(InvalidData) as refused:
        table(text)
    assert f"mine.csv: {message}" in str(refused.value)
    assert str(refused.value).endswith(")")  # the remedy


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("mine.csv", HEAD + "a,1,2,3\nb,1,2\n", "Expected 4 columns, got 3"),
        ("mine.csv", "id,label,x\né,1,2\n".encode("latin-1"), "'utf-8' codec can't decode"),
        ("mine.csv", b"id,label,x\n\xe9,1,2\n" + b"a,1,2\n" * 9000, "not a readable .csv file"),
        ("mine.csv", HEAD + '"a,1,2,3\n', "not a readable .csv file"),
        ("mine.parquet", "", "not a readable .parquet file"),
        ("mine.parquet", HEAD, "not a readable .parquet file"),
        ("mine.npz", "", "not a readable .npz file"),
        ("mine.npz", b"PK\3\4 and no more", "not a readable .npz file"),
        ("mine.npz", b"\x80\4\x95.", "pickles are never read"),
        ("mine.tsv", HEAD, "features are read from .csv, .npz, .parquet (save the file as one of these)"),
        ("mine", HEAD, "features are read from"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(table, name, content, message):
    with pytest.raises(SourceError) as refused:
        table(content, name)
    assert f"{name}: " in str(refused.value)
    assert message in str(refused.value)


def test_a_file_that_is_not_there_is_named(tmp_path):
    with pytest.raises(SourceError, match=r"none\.csv: there is no such file"):
        parse(tmp_path / "none.csv")


ROWS = {"id": ["a", "b"], "label": [0, 1]}
WRONG_PARQUET = [
    ({**ROWS, "x": ["1", "2"]}, "column x holds string, no numbers (encode it as numbers or remove it)"),
    ({**ROWS, "x": pa.array([1, 2], pa.timestamp("ms"))}, "column x holds timestamp[ms], no numbers"),
    ({**ROWS, "x": [[1], [2]]}, "column x holds list<element: int64>, no numbers"),
    ({**ROWS, "x": [1.0, None]}, "column x of id 'b' is empty or NaN (1 such cells"),
    ({**ROWS, "x": pa.array([2**62, None])}, "column x of id 'b' is empty or NaN (1 such cells"),
    ({**ROWS, "x": pa.nulls(2)}, "column x of id 'a' is empty or NaN (2 such cells"),
    (
        {**ROWS, "features": [[1.0, 2.0], [3.0]]},
        "features of id 'b' has 1 numbers, of id 'a' 2 (make all lists equally",
    ),
    ({**ROWS, "features": [[1.0, 2.0], None]}, "features of id 'b' has 0 numbers, of id 'a' 2"),
    ({**ROWS, "features": [[1.0, 2.0], [3.0, None]]}, "column features[1] of id 'b' is empty or NaN"),
    ({**ROWS, "features": [["a"], ["b"]]}, "features holds lists of string (make them lists of numbers)"),
    ({**ROWS, "features": [[], []]}, "no feature column: the lists of features are empty"),
    ({**ROWS, "features": [[1], [2]], "x": [1, 2]}, "columns beside the lists of features: 'x' (remove them)"),
    ({"id": ["a", None], "label": [0, 1], "x": [1, 2]}, "id of row 2 is empty"),
    ({"id": pa.array([1, None]), "label": [0, 1], "x": [1, 2]}, "id of row 2 is empty"),
    ({"id": pa.array([1.0, float("nan")]), "label": [0, 1], "x": [1, 2]}, "id of row 2 is empty"),
    (
        {"id": pa.array([b"a", b"b"]), "label": [0, 1], "x": [1, 2]},
        "column id holds binary (save it as text or numbers)",
    ),
    ({"id": [1.0, 1.0], "label": [0, 1], "x": [1, 2]}, "id '1' occurs 2 times, in rows 1 and 2"),
    ({**ROWS, "label": [None, 1], "x": [1, 2]}, "label of id 'a' is ''"),
    ({**ROWS, "x": [1, 2], "split": [0, 1]}, "split of id 'a' is '0' (2 such rows; train or test"),
    ({name: pa.array([], pa.int64()) for name in ("id", "label", "x")}, "the file is empty"),
]


@pytest.mark.parametrize(("columns", "message"), WRONG_PARQUET, ids=[message[:40] for _, message in WRONG_PARQUET])
def test_what_is_wrong_in_a_parquet_file_is_named(tmp_path, columns, message):
    pq.write_table(pa.table(columns), tmp_path / "mine.parquet")
    with pytest.raises(InvalidData) as refused:
        parse(tmp_path / "mine.parquet")
    assert f"mine.parquet: {message}" in str(refused.value)


def test_a_column_that_occurs_twice_in_a_parquet_file_is_named(tmp_path):
    columns = [pa.array([1, 2])] * 4
    pq.write_table(pa.Table.from_arrays(columns, ["id", "label", "x", "x"]), tmp_path / "mine.parquet")
    with pytest.raises(InvalidData, match=r"columns that occur more than once: 'x'"):
        parse(tmp_path / "mine.parquet")


def test_lists_of_other_lengths_further_down_are_found(tmp_path):
    n = 10_000
    lists = [[1.0, 2.0]] * 8192 + [[1.0]] * (n - 8192)
    pq.write_table(pa.table({"id": range(n), "label": [0] * n, "features": lists}), tmp_path / "mine.parquet")
    with pytest.raises(InvalidData, match=r"features holds lists of '1', '2' numbers \(make all lists equally long\)"):
        parse(tmp_path / "mine.parquet")


ARRAYS = {"id": np.array(["a", "b"]), "label": np.array([0, 1]), "features": np.ones((2, 3))}
WRONG_NPZ = [
    (InvalidData, {"label": None}, "no array 'label'; it has 'id', 'features'"),
    (InvalidData, {"features": None, "X": np.ones((2, 3))}, "no array 'features'; it has 'id', 'label', 'X'"),
    (InvalidData, {"splits": np.array(["train", "test"])}, "arrays that mean nothing here: 'splits'"),
    (
        InvalidData,
        {"features": np.ones((2, 3), complex)},
        "features is complex128 (2, 3) (make it real numbers, (n, d))",
    ),
    (InvalidData, {"features": np.ones(2)}, "features is float64 (2,) (make it real numbers, (n, d))"),
    (InvalidData, {"features": np.full((2, 3), "1")}, "features is <U1 (2, 3)"),
    (InvalidData, {"features": np.ones((2, 0))}, "no feature column"),
    (
        InvalidData,
        {"features": np.ones((0, 3)), "id": np.array([], str), "label": np.array([], int)},
        "the file is empty",
    ),
    (
        InvalidData,
        {"features": np.array([[1, 2, 3], [4, np.nan, np.inf]])},
        "column features[1] of id 'b' is empty or NaN (2",
    ),
    (InvalidData, {"id": np.array(["a"])}, "id has shape (1,), but features (2, 3) (give one id a sample)"),
    (InvalidData, {"id": np.array([["a", "b"]])}, "id has shape (1, 2)"),
    (InvalidData, {"id": np.array(["a", ""])}, "id of row 2 is empty"),
    (InvalidData, {"id": np.array([1j, 2j])}, "id holds complex128"),
    (InvalidData, {"split": np.array(["train", "valid"])}, "split of id 'b' is 'valid'"),
    (SourceError, {"id": np.array(["a", None], object)}, "pickles are never read: save ids and labels as text"),
    (SourceError, {"features": np.array([[1.0], [2.0]], object)}, "pickles are never read"),
]


@pytest.mark.parametrize(("kind", "changes", "message"), WRONG_NPZ, ids=[message[:40] for _, _, message in WRONG_NPZ])
def test_what_is_wrong_in_an_npz_is_named(tmp_path, kind, changes, message):
    np.savez(tmp_path / "mine.npz", **{key: value for key, value in (ARRAYS | changes).items() if value is not None})
    with pytest.raises(kind) as refused:
        parse(tmp_path / "mine.npz")
    assert "mine.npz: " in str(refused.value)
    assert message in str(refused.value)


def test_an_array_that_was_saved_alone_is_no_npz(tmp_path):
    with (tmp_path / "mine.npz").open("wb") as stream:
        np.save(stream, np.ones((2, 3)))
    with pytest.raises(InvalidData, match="no array 'id', 'label', 'features'; it has 'one array without a name'"):
        parse(tmp_path / "mine.npz")


class Bomb:
    """Unpickling it fails the test."""

    def __reduce__(self):
        return pytest.fail, ("it was unpickled",)


def test_nothing_is_ever_unpickled(tmp_path):
    np.savez(tmp_path / "mine.npz", **ARRAYS | {"id": np.array([Bomb(), Bomb()], object)})
    with pytest.raises(SourceError, match="pickles are never read"):
        parse(tmp_path / "mine.npz")


def test_several_files_must_fit_together(tmp_path):
    def file(name, text):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    first = file("first.csv", HEAD + "a,1,2,3\n")
    wrong = {
        "id,label,x,z\nb,1,2,3\n": "second.csv: other columns than {first}: 'y', 'z' (save all files with the same",
        "id,label,y,x\nb,1,2,3\n": "second.csv: other columns than {first}: 'the same columns in another order'",
        "id,label,split,x,y\nb,1,test,2,3\n": "second.csv: other columns than {first}: 'split'",
        HEAD + "b,1,2,3\na,1,2,3\n": "first.csv: id 'a' occurs 2 times, in row 1, and in row 2 of ",
        HEAD + "b,1,2,inf\n": "second.csv: column y of id 'b' is infinite",
    }
    for text, message in wrong.items():
        with pytest.raises(InvalidData, match=re.escape(message.format(first=first))):
            parse(first, file("second.csv", text))
    with pytest.raises(SourceError, match=r"other files of the source are \.csv, \.npz \(save all as one kind\)"):
        parse(first, tmp_path / "second.npz")


@given(st.binary(max_size=200), st.sampled_from(KINDS))
def test_no_content_of_a_file_raises_anything_else(tmp_path_factory, content, kind):
    path = tmp_path_factory.mktemp("table") / f"mine.{kind}"
    path.write_bytes(content)
    with pytest.raises(LeaveoutError):
        parse(path)


@given(st.data())
def test_no_damage_to_a_file_raises_anything_else(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("table") / f"mine.{data.draw(st.sampled_from(KINDS))}"
    content = bytearray(write(path, ["a", "b"], [0, 1], np.ones((2, 3))).read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    try:
        parse(path)
    except LeaveoutError as error:
        assert path.name in str(error)  # noqa: PT017
