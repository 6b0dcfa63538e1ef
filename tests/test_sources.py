"""Source files: complete and verified under their final name, or not there."""

import hashlib

import pytest

from leaveout.errors import SourceError
from leaveout.sources import copy_packaged, describe, sha256

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
def target(tmp_path):
    (tmp_path / "raw").mkdir()
    return tmp_path / "raw" / "file.bin"


def test_the_checksum_is_sha256(tmp_path):
    file = tmp_path / "file"
    file.write_bytes(b"abc")  # FIPS 180-2, example B.1
    assert sha256(file) == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert describe(file) == {"file": "file", "sha256": sha256(file)}


def test_a_shipped_file_is_copied(package, target):
    copy_packaged(package, "data/file.bin", hashlib.sha256(CONTENT).hexdigest(), target)
    assert target.read_bytes() == CONTENT


def test_a_file_with_another_checksum_is_refused_and_not_copied(package, target):
    with pytest.raises(SourceError) as refused:
        copy_packaged(package, "data/file.bin", "0" * 64, target)
    assert f"{package}/data/file.bin" in str(refused.value)
    assert hashlib.sha256(CONTENT).hexdigest() in str(refused.value)
    assert "0" * 64 in str(refused.value)
    assert list(target.parent.iterdir()) == []


MISSING = [("shipping_package", "data/none.bin"), ("no_such_package", "data/file.bin")]


@pytest.mark.parametrize(("name", "file"), MISSING)
def test_a_file_or_package_that_is_missing_is_named(package, target, name, file):
    with pytest.raises(SourceError, match=f"{name}/{file}.*install the package {name}"):
        copy_packaged(name, file, "0" * 64, target)
    assert list(target.parent.iterdir()) == []
