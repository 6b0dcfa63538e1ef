"""Source files: copied from packages complete and verified or not at all, and described by what vouches for them."""

import hashlib
import json
from dataclasses import asdict

import pytest

from leaveout.checksums import checksum
from leaveout.download import Wanted, obtain
from leaveout.errors import SourceError
from leaveout.sources import Origin, content_checksum, describe, origin_of

CONTENT = b"\x00\xff some bytes\n" * 1000


@pytest.fixture
def package(tmp_path, monkeypatch):
    """An installed package that ships ``data/file.bin``."""
    folder = tmp_path / "site" / "shipping_package"
    (folder / "data").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "data" / "file.bin").write_bytes(CONTENT)
    monkeypatch.syspath_prepend(tmp_path / "site")
    return folder.name


@pytest.fixture
def wanted(tmp_path):
    """A file of an installed package."""
    (tmp_path / "raw").mkdir()

    def entry(package, path="data/file.bin", sha256=None):
        keys = {"package": package, "path": path, "sha256": sha256 or hashlib.sha256(CONTENT).hexdigest()}
        return Wanted("shipped", "file.bin", keys, tmp_path / "raw" / "file.bin", tmp_path / "lock.json")

    return entry


def test_the_checksum_is_sha256(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc")  # FIPS 180-2, example B.1
    assert checksum(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_shipped_file_is_copied(package, wanted):
    record = obtain(wanted(package))
    assert wanted(package).target.read_bytes() == CONTENT
    assert (record.origin, record.published) == (f"package {package}", True)


def test_a_file_with_another_checksum_is_refused_and_not_copied(package, wanted):
    with pytest.raises(SourceError) as refused:
        obtain(wanted(package, sha256="0" * 64))
    assert f"{package}/data/file.bin" in str(refused.value)
    assert hashlib.sha256(CONTENT).hexdigest() in str(refused.value)
    assert "0" * 64 in str(refused.value)
    assert list(wanted(package).target.parent.iterdir()) == []


MISSING = [("shipping_package", "data/none.bin"), ("no_such_package", "data/file.bin")]


@pytest.mark.parametrize(("name", "file"), MISSING)
def test_a_file_or_package_that_is_missing_is_named(package, wanted, name, file):
    with pytest.raises(SourceError, match=f"{name}/{file}.*install the package {name}"):
        obtain(wanted(name, file))
    assert list(wanted(name).target.parent.iterdir()) == []


def test_a_record_is_read_as_it_was_written(tmp_path):
    record = Origin("file.bin", "0" * 64, "https://example.org/file.bin", "mirror", False, False)
    record.write(tmp_path / "record.json")
    assert Origin.read(tmp_path / "record.json") == record


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"file": "file.bin"}', json.dumps({"more": 1})])
def test_what_is_no_record_is_refused_by_name(tmp_path, text):
    (tmp_path / "record.json").write_text(text)
    with pytest.raises(SourceError, match=r"record\.json: not a record of a source file"):
        Origin.read(tmp_path / "record.json")


def test_a_file_is_described_by_its_checksum_and_who_vouches_for_it(package, wanted):
    record = obtain(wanted(package))
    described = describe(wanted(package).target, [origin_of(wanted(package).target)])
    assert described == {key: value for key, value in asdict(record).items() if key != "origin"}
    assert (described["file"], described["sha256"]) == ("file.bin", hashlib.sha256(CONTENT).hexdigest())


def test_a_file_that_changed_after_it_was_verified_is_not_described(package, wanted):
    obtain(wanted(package))
    target = wanted(package).target
    target.write_bytes(CONTENT + b"more")
    with pytest.raises(SourceError) as refused:
        describe(target, [origin_of(target)])
    for value in (str(target), checksum(target), hashlib.sha256(CONTENT).hexdigest()):
        assert value in str(refused.value)


def test_a_download_without_its_record_is_not_described(tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    with pytest.raises(SourceError, match=origin_of(tmp_path / "file.bin").name):
        describe(tmp_path / "file.bin", [origin_of(tmp_path / "file.bin")])


def test_a_file_of_the_users_is_described_as_their_own(tmp_path):
    (tmp_path / "file.bin").write_bytes(CONTENT)
    sha256 = hashlib.sha256(CONTENT).hexdigest()
    expected = {"file": "file.bin", "sha256": sha256, "checksum": "own", "published": None}
    assert describe(tmp_path / "file.bin", []) == {**expected, "unverified": False, "mirrored": False}
    with pytest.raises(SourceError, match=r"there is no .*other\.bin"):
        describe(tmp_path / "other.bin", [])


def test_a_folders_checksum_follows_names_and_contents_and_nothing_else(tmp_path):
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "file").write_text("1")
    (tmp_path / "a" / "other").write_text("2")
    first = content_checksum(tmp_path / "a")
    (tmp_path / "a" / "__pycache__").mkdir()
    (tmp_path / "a" / "__pycache__" / "x.pyc").write_text("3")
    assert content_checksum(tmp_path / "a") == first
    (tmp_path / "a" / "other").write_text("3")
    changed = content_checksum(tmp_path / "a")
    (tmp_path / "a" / "other").rename(tmp_path / "a" / "renamed")
    assert len({first, changed, content_checksum(tmp_path / "a")}) == 3
