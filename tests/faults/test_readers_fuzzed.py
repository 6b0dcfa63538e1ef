"""Readers of whatever lies on a disk: any bytes are read as what they are, or refused by a typed error, and soon."""

import gzip
import io
import json
import tarfile
import time
import zipfile
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import leaveout
from conftest import gaussian
from leaveout import pickles
from leaveout.archives import Limits, members
from leaveout.checksums import listed
from leaveout.chunks import Chunks
from leaveout.datasets import parser
from leaveout.embeddings import read_embeddings, write_embeddings
from leaveout.errors import InvalidData, InvalidResults, LeaveoutError, SourceError
from leaveout.memory import problem_size
from leaveout.model_file import read_model, read_summary, write_model
from leaveout.sources import Origin
from leaveout.stamps import read_stamp
from leaveout.transfer import Partial
from leaveout.vouching import vouched

pytestmark = pytest.mark.faults

#: Seconds that any example may take, on a machine that others use too.
SOON = 5.0
LIMITS = Limits(member=1 << 16, total=1 << 18)
TYPED = "read, or refused by a typed error"


def damaged(content):
    """Bytes that were some content: a few of them others, lost, or doubled."""
    places = st.integers(0, len(content) - 1)
    change = st.tuples(places, st.binary(min_size=0, max_size=4), st.integers(0, 8))
    return st.lists(change, min_size=1, max_size=4).map(lambda changes: _changed(content, changes))


def _changed(content, changes):
    found = bytearray(content)
    for place, new, lost in changes:
        found[place : place + lost] = new
    return bytes(found)


def fuzz(contents, read, refusals, examples, record_property):
    """Feed a reader; whatever it does, it does soon."""
    count = []

    @settings(max_examples=examples, deadline=None)
    @given(contents)
    def one(content):
        count.append(1)
        begin = time.monotonic()
        with suppress(refusals):
            read(content)
        assert time.monotonic() - begin < SOON

    one()
    record_property("trials", len(count))


def a_tar(names=("a/one", "a/two")):
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name in names:
            info = tarfile.TarInfo(name)
            info.size = 9
            archive.addfile(info, io.BytesIO(b"some text"))
    return stream.getvalue()


def a_zip(names=("a/one", "a/two")):
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, b"some text" * 9)
    return stream.getvalue()


def an_npz():
    stream = io.BytesIO()
    np.savez(stream, id=np.array(["a", "b", "c"]), label=np.array([0, 1, 1]), features=np.ones((3, 2)))
    return stream.getvalue()


def a_parquet():
    stream = io.BytesIO()
    pq.write_table(pa.table({"id": ["a", "b"], "label": [0, 1], "features": [[1.0, 2.0], [3.0, 4.0]]}), stream)
    return stream.getvalue()


def an_array():
    stream = io.BytesIO()
    np.save(stream, np.ones((3, 2)))
    return stream.getvalue()


CSV = b"id,label,x\na,0,1\nb,1,2.5\n"
NEAR = {
    "mine.npz": damaged(an_npz()),
    "mine.parquet": damaged(a_parquet()),
    "mine.csv": damaged(CSV) | st.text('id,label\n"0.5ex\r\0\ufeff', max_size=60).map(str.encode),
    "header.npy": st.binary(max_size=60).map(
        lambda header: b"\x93NUMPY\1\0" + len(header).to_bytes(2, "little") + header
    ),
}


@pytest.mark.fault("a user's file of features is damaged or something else", "bytes changed, lost or made up", TYPED)
@pytest.mark.parametrize("name", ["mine.npz", "mine.parquet", "mine.csv"])
def test_no_file_of_features_crashes_its_reader(tmp_path, name, record_property):
    def read(content):
        (tmp_path / name).write_bytes(content)
        parser("table")(tmp_path / name)

    fuzz(NEAR[name] | st.binary(max_size=80), read, LeaveoutError, 120, record_property)


@pytest.mark.fault("the header of an array is something else", "made up inside an archive", TYPED)
def test_no_header_of_an_array_crashes_its_reader(tmp_path, record_property):
    def read(header):
        with zipfile.ZipFile(tmp_path / "mine.npz", "w") as archive:
            archive.writestr("features.npy", header)
        parser("table")(tmp_path / "mine.npz")

    fuzz(NEAR["header.npy"] | damaged(an_array()), read, LeaveoutError, 120, record_property)


@pytest.mark.fault("an archive is damaged or hostile", "bytes changed, lost or made up, also before compression", TYPED)
@pytest.mark.parametrize("kind", ["zip", "tar", "gzip"])
def test_no_archive_crashes_its_reader(tmp_path, kind, record_property):
    path = tmp_path / "archive"

    def read(content):
        path.write_bytes(content)
        for name, _ in members(path, lambda _: True, LIMITS):
            assert ".." not in name.split("/")
            assert not name.startswith("/")

    inside = damaged(a_tar()).map(lambda content: gzip.compress(content, 1, mtime=0))
    contents = {"zip": damaged(a_zip()), "tar": inside, "gzip": damaged(gzip.compress(a_tar(), mtime=0))}[kind]
    fuzz(contents, read, SourceError, 120, record_property)


@pytest.mark.fault("an archive is damaged or hostile", "bytes changed, lost or made up, also before compression", TYPED)
@pytest.mark.parametrize("name", ["cifar10", "dogfish", "digits", "enron", "imdb", "esc50"])
def test_no_content_crashes_a_parser_of_downloads(tmp_path, name, record_property):
    contents = {
        "cifar10": damaged(a_tar([f"cifar-10-batches-py/{part}" for part in ("batches.meta", "data_batch_1")])),
        "enron": damaged(a_tar(["enron1/ham/0001.txt", "enron1/spam/0002.txt"])),
        "imdb": damaged(a_tar(["aclImdb/train/pos/0_9.txt", "aclImdb/train/neg/1_1.txt"])),
        "digits": damaged(b"0,5,13," * 9 + b"1,7\n"),
    }
    packed = {key: value.map(lambda content: gzip.compress(content, 1, mtime=0)) for key, value in contents.items()}
    packed |= {"dogfish": damaged(an_npz()), "esc50": damaged(a_zip(["ESC-50-master/meta/esc50.csv"]))}
    files = [tmp_path / f"{i}" for i in range(2 if name == "dogfish" else 1)]

    def read(content):
        for file in files:
            file.write_bytes(content)
        parser(name)(*files)

    fuzz(packed[name] | st.binary(max_size=40), read, LeaveoutError, 40, record_property)


PICKLED = [b"\x80\x02}q\x00(U\x04dataq\x01K\x01U\x06labelsq\x02]q\x03K\x02au.", b"(dp0\nS'a'\np1\nI1\ns."]


@pytest.mark.fault(
    "a pickle is damaged or hostile", "bytes changed, lost or made up", "read, or refused; nothing is run"
)
def test_no_pickle_crashes_its_reader_or_runs(record_property):
    contents = st.one_of(*map(damaged, PICKLED)) | st.binary(max_size=60).map(
        lambda content: b"\x80\x02" + content + b"."
    )
    fuzz(contents, pickles.load, ValueError, 300, record_property)


@pytest.mark.fault("a list of checksums is something else", "lines changed or made up", TYPED)
def test_no_list_of_checksums_crashes_its_reader(record_property):
    line = st.text("0aF *\\./f\n\t\0\u2028", max_size=90) | st.just(f"{'0a' * 32}  f\n")
    fuzz(
        st.lists(line, max_size=4).map("\n".join),
        lambda text: listed(text, "f", "SHA256SUMS"),
        SourceError,
        200,
        record_property,
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda x: (
        st.lists(x, max_size=3)
        | st.dictionaries(
            st.sampled_from(["sources", "weights", "shape", "published", "address", "sha256"]), x, max_size=3
        )
    ),
    max_leaves=5,
)


@pytest.mark.fault("a record of an embedding, a download or a source is something else", "made up, or damaged", TYPED)
def test_no_record_crashes_its_readers(tmp_path, record_property):
    path = tmp_path / ".partial.f.json"

    def read(content):
        path.write_bytes(content)
        for reader in (vouched, Origin.read):
            try:
                reader(path)
            except LeaveoutError as error:
                assert str(error).startswith(str(path))  # noqa: PT017
        Partial(tmp_path / "f").version("https://e.org/f")
        assert all(isinstance(size, int) for size in problem_size(None, path, []))

    fuzz(JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30), read, (), 60, record_property)


@pytest.fixture(scope="module")
def embedded(tmp_path_factory):
    """An embedding and the model that was fitted to it."""
    folder = tmp_path_factory.mktemp("embedded")
    X, y = gaussian(10, 2, 0)
    names = {"X": "X.npy", "samples": "samples.parquet", "about": "about.json"}
    paths = SimpleNamespace(**{key: str(folder / name) for key, name in names.items()})
    write_embeddings(
        paths,
        X,
        y.astype(int),
        [f"s{i}" for i in range(10)],
        ["train"] * 8 + ["test"] * 2,
        {},
        "stamp:0123456789abcdef:X;",
    )
    training = read_embeddings(paths).training
    model = leaveout.fit(training.X, training.y, 1e-3)
    write_model(model, 0.5, folder / "fit.npz", folder / "factor.npy", "stamp:0123456789abcdef:fit;")
    return SimpleNamespace(paths=paths, folder=folder, model=model, training=training)


def with_each_byte_flipped(path, count):
    """Give a file every one of its bytes flipped, one after the other, or some of them; then its own content again."""
    content = path.read_bytes()
    places = range(len(content)) if len(content) <= count else np.random.default_rng(0).integers(0, len(content), count)
    try:
        for place in map(int, places):
            path.write_bytes(content[:place] + bytes([content[place] ^ 0x24]) + content[place + 1 :])
            yield place
    finally:
        path.write_bytes(content)


@pytest.mark.fault(
    "a byte of an embedding's features or samples is flipped", "each byte in turn", "found before a model is fitted"
)
@pytest.mark.parametrize("name", ["X.npy", "samples.parquet"])
def test_no_flipped_byte_reaches_a_fit(embedded, name, record_property):
    expected, trials = embedded.training, 0
    for _ in with_each_byte_flipped(embedded.folder / name, 1500):
        trials += 1
        try:
            found = read_embeddings(embedded.paths).training
        except (InvalidData, InvalidResults) as error:
            assert name in str(error)  # noqa: PT017
        else:
            assert name == "samples.parquet"  # in the names of its checksums: nothing else may be read
            assert (found.X == expected.X).all()
            assert (found.y == expected.y).all()
            assert (found.ids == expected.ids).all()
    record_property("trials", trials)


@pytest.mark.fault("a byte of a model is flipped", "each byte in turn", "refused by name, or the same model")
@pytest.mark.parametrize("name", ["fit.npz", "factor.npy"])
def test_no_flipped_byte_gives_another_model(embedded, name, record_property):
    files, trials = (embedded.folder / "fit.npz", embedded.folder / "factor.npy"), 0
    X, y = embedded.training.X.astype(float), embedded.training.y
    for _ in with_each_byte_flipped(embedded.folder / name, 500):
        trials += 1
        stamp = read_stamp(files[0])
        assert stamp is None or stamp.name == "fit" or name == "fit.npz"
        try:
            found, summary = read_model(*files, X, y), read_summary(files[0])
        except InvalidResults as error:
            assert name in str(error)  # noqa: PT017
        else:
            assert found.theta.tolist() == embedded.model.theta.tolist()
            assert found.whitened.tolist() == embedded.model.whitened.tolist()
            assert summary.test_accuracy == 0.5
    record_property("trials", trials)


@pytest.mark.fault("a byte of an interrupted embedding's chunk is flipped", "each byte in turn", "computed again")
@pytest.mark.parametrize("texts", [False, True])
def test_no_flipped_byte_of_a_chunk_is_believed(tmp_path, texts, record_property):
    def encode(part):
        return [f"text {x}" for x in part] if texts else np.array([[x, 2.0 * x] for x in part])

    samples = list(range(4))
    whole = [list(result) for result in Chunks(tmp_path / ".chunks", "key").map(encode, samples, 2)]
    file, trials = min((tmp_path / ".chunks" / "key").iterdir()), 0
    for _ in with_each_byte_flipped(file, 300):
        trials += 1
        found = Chunks(tmp_path / ".chunks", "key").map(encode, samples, 2)
        assert np.array_equal([list(result) for result in found], whole)
    record_property("trials", trials)
