"""The sources' real files over a real connection that fails: what arrives is what the mirror's list promises."""

from pathlib import Path

import pytest
import yaml
from tenacity import wait_none

from checkout import ROOT
from leaveout import transfer
from leaveout.checksums import checksum, listed
from leaveout.datasets import parser
from leaveout.download import Wanted, obtain
from leaveout.errors import SourceError
from leaveout.mirror import Mirror
from serving import serving

KNOWN = yaml.safe_load((ROOT / "config" / "datasets.yaml").read_text())
SOURCES = {"cifar10": "cifar10", "dogfish": "dogfish", "enron": "enron", "esc50": "esc50", "imdb": "imdb"}


@pytest.fixture(scope="module")
def server(mirror):
    with serving() as running:
        running.files |= {file.name: file.read_bytes() for file in mirror.iterdir()}
        yield running


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr(transfer, "BACKOFF", wait_none())


def tasks(source, folder):
    for name, entry in KNOWN["sources"][source]["files"].items():
        target = folder / "raw" / name
        target.parent.mkdir(exist_ok=True)
        yield Wanted(source, name, entry, target, folder / "checksums" / f"{name}.json")


@pytest.mark.parametrize("source", SOURCES)
def test_what_arrives_through_a_bad_connection_is_the_mirrors_file_and_can_be_read(mirror, server, tmp_path, source):
    place = Mirror(server.address)
    wanted = list(tasks(source, tmp_path))
    for task in wanted:
        half = len(server.files[task.file]) // 2
        # the first answer is the list of checksums
        server.moods = [{}, {"cut": half}, {"status": 503}, {"status": 503}, {"ranges": False, "cut": half}]
        assert obtain(task, place).checksum == "mirror"
        expected = listed((mirror / "SHA256SUMS").read_text(), task.file, "SHA256SUMS")
        assert checksum(task.target) == expected
    classes = next(entry["classes"] for entry in KNOWN["datasets"].values() if entry.get("source") == source)
    records = parser(SOURCES[source])(*(task.target for task in wanted))
    assert {name for names in classes.values() for name in names} <= set(records.classes)


def test_wrong_bytes_never_get_the_files_name(server, tmp_path):
    [task] = tasks("enron", tmp_path)
    server.moods, server.habit = [{}], {"wrong": True}
    try:
        with pytest.raises(SourceError, match="not the file of the mirror's SHA256SUMS"):
            obtain(task, Mirror(server.address))
    finally:
        server.habit = {}
    assert not Path(task.target).exists()
