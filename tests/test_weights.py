"""Weights of models: where they are found, and how they are described."""

import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from leaveout.checksums import checksum
from leaveout.errors import PackageMissing, SourceError
from leaveout.sources import Origin, content_checksum, origin_of
from leaveout.weights import describe_weights, files_in, installed, located


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package without metadata, as one that lies on the path, with weights and a package inside."""
    folder = tmp_path / "site" / "weighing_package"
    (folder / "inner").mkdir(parents=True)
    for init in (folder / "__init__.py", folder / "inner" / "__init__.py"):
        init.touch()
    (folder / "model.bin").write_bytes(b"weights")
    monkeypatch.syspath_prepend(tmp_path / "site")
    yield folder
    sys.modules.pop(folder.name, None)  # naming a package inside imports it


def test_one_file_of_a_source_is_the_weights():
    assert located("resnet", [Path("raw/resnet/model.pth")]) == Path("raw/resnet/model.pth")


def test_several_files_of_a_source_are_found_in_their_folder():
    files = [Path("raw/bert/config.json"), Path("raw/bert/model.safetensors")]
    assert located("bert", files) == Path("raw/bert")


def test_files_in_several_folders_are_no_model():
    with pytest.raises(SourceError, match=r"weights: the files of bert belong into here alone, .*: there is there"):
        located("bert", [Path("here/config.json"), Path("there/model.safetensors")])


def test_a_file_that_nobody_verified_does_not_lie_beside_those_of_a_source(tmp_path):
    files = [tmp_path / "config.json", tmp_path / "model.safetensors"]
    for file in files:
        file.touch()
        origin_of(file).touch()
    assert located("bert", files) == tmp_path
    (tmp_path / "adapter_config.json").touch()
    with pytest.raises(SourceError, match=r"nothing else: there is .*adapter_config\.json"):
        located("bert", files)


@pytest.mark.parametrize("path", ["../other", "/etc/passwd", "model/../../other"])
def test_a_path_stays_inside_its_package(package, path):
    with pytest.raises(SourceError, match="leads out of the package"):
        located({"package": package.name, "path": path}, [])


def test_weights_in_a_folder_depend_on_each_of_its_files(tmp_path):
    (tmp_path / "inner").mkdir()
    names = [tmp_path / "a.json", tmp_path / "inner" / "b.bin"]
    for file in names:
        file.touch()
    assert files_in(str(tmp_path)) == [str(file) for file in names]
    assert files_in(str(names[0])) == [str(names[0])]
    assert files_in("missing") == ["missing"]


def test_only_weights_of_packages_have_an_installed_version():
    assert installed({"package": "numpy"}) == f"numpy {version('numpy')}"
    assert [installed(entry) for entry in ({"path": "w"}, "resnet", {}, {"package": "no_such_package"})] == [
        None,
        None,
        None,
        "no_such_package",
    ]


def test_a_path_of_the_users_is_where_it_says():
    assert located({"path": "my/model"}, [Path("my/model")]) == Path("my/model")


@pytest.mark.parametrize(("path", "found"), [({}, ""), ({"path": "model.bin"}, "model.bin")])
def test_a_packages_weights_are_found_without_importing_it(package, path, found):
    (package / "__init__.py").write_text("raise RuntimeError")
    assert located({"package": package.name, **path}, []) == package / found


def test_weights_of_a_package_inside_another(package):
    entry = {"package": f"{package.name}.inner"}
    assert located(entry, []) == package / "inner"
    (described,) = describe_weights(entry, package / "inner", [], [])
    assert described["checksum"] == f"package {package.name}.inner"


@pytest.mark.parametrize("name", ["no_such_package", "no_such_package.inner"])
def test_a_package_that_is_not_installed_is_named_with_the_remedy(name):
    with pytest.raises(PackageMissing, match=rf"the package {name} is not installed \(install it; "):
        located({"package": name, "path": "model.bin"}, [])


def test_a_file_that_a_package_does_not_have_is_named(package):
    with pytest.raises(SourceError, match=rf"the package {package.name} has no none\.bin \(name a file .*of {package}"):
        located({"package": package.name, "path": "none.bin"}, [])


def test_files_are_described_by_their_checksums_and_downloads_by_their_vouchers(tmp_path):
    own, downloaded = tmp_path / "own.bin", tmp_path / "downloaded.bin"
    for file in (own, downloaded):
        file.write_bytes(file.name.encode())
    record = Origin(downloaded.name, checksum(downloaded), "https://example.org", "published", True, False)
    record.write(origin_of(downloaded))
    mine, theirs = describe_weights("both", tmp_path, [own, downloaded], [origin_of(downloaded)])
    assert (mine["file"], mine["sha256"], mine["checksum"]) == ("own.bin", checksum(own), "own")
    assert (theirs["file"], theirs["sha256"], theirs["checksum"]) == (downloaded.name, record.sha256, "published")


def test_a_folder_of_the_users_is_described_by_its_content(package):
    (described,) = describe_weights({"path": str(package)}, package, [package], [])
    assert (described["file"], described["checksum"]) == (package.name, "own")
    assert described["sha256"] == content_checksum(package)
    (package / "model.bin").write_bytes(b"other weights")
    assert content_checksum(package) != described["sha256"]


def test_a_packages_weights_are_described_by_its_version():
    entry = {"package": "numpy", "path": "__init__.py"}
    found = located(entry, [])
    (described,) = describe_weights(entry, found, [], [])
    assert described["file"] == "numpy/__init__.py"
    assert (described["sha256"], described["checksum"]) == (checksum(found), f"package numpy {version('numpy')}")
