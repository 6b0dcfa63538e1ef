"""The faults suite: its options, what its tests share, and the page that it writes."""

import fcntl
import os
from pathlib import Path

import pytest

from faults import reliability
from faults.studies import Study, new_study

TRIALS = 5


def pytest_addoption(parser):
    group = parser.getgroup("faults")
    group.addoption("--trials", type=int, default=TRIALS, help="trials of each kind of random fault")
    group.addoption("--reliability", type=Path, help="page to write when the whole suite has run")


def pytest_configure(config):
    page = config.getoption("--reliability", default=None)
    if page and not hasattr(config, "workerinput"):  # a worker of pytest-xdist reports to its controller
        config.pluginmanager.register(reliability.Recorder(config, page))


def pytest_generate_tests(metafunc):
    if "trial" in metafunc.fixturenames:
        metafunc.parametrize("trial", range(metafunc.config.getoption("--trials", default=TRIALS)))


def pytest_collection_modifyitems(items):
    for item in items:
        if mark := item.get_closest_marker("fault"):
            item.user_properties.append((reliability.FAULT, list(mark.args)))


@pytest.fixture(scope="session")
def shared(tmp_path_factory, worker_id):
    """A folder of this run of the tests, whichever of its processes asks."""
    base = tmp_path_factory.getbasetemp()
    return base if worker_id == "master" else base.parent


@pytest.fixture(scope="session")
def undisturbed(shared):
    """The study as it comes out when nothing happens to it; made by the process that comes first."""
    with (shared / "undisturbed.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder = shared / "undisturbed"
        if not folder.exists():
            study = new_study(folder, shared / "cache")
            (folder / "writes").mkdir()
            assert study.make_run({"notes": str(folder / "writes")}) == 0, study.output
            (folder / "complete").touch()
        assert (folder / "complete").exists(), "the undisturbed study failed in another process"
        return Study(folder, shared / "cache")


@pytest.fixture
def study(tmp_path, shared, undisturbed):
    """A checkout in which nothing has run."""
    made = new_study(tmp_path / "checkout", shared / "cache")
    yield made
    made.kill_everything()


@pytest.fixture(scope="session")
def as_root():
    if os.geteuid():
        pytest.skip("needs root, to mount a file system")
