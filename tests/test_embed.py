"""What all embeddings share: a method by its name, a missing package with its remedy, rows joined in order."""

import sys

import numpy as np
import pytest

from leaveout import embed
from leaveout.embed import Encoder, Machine, encoder, stacked
from leaveout.errors import InvalidModel, PackageMissing


@pytest.fixture
def method(tmp_path, monkeypatch):
    """A further method whose module holds the given text."""
    monkeypatch.setattr(embed, "__path__", [*embed.__path__, str(tmp_path)])

    def write(text):
        (tmp_path / "newest.py").write_text(text)
        monkeypatch.delitem(sys.modules, "leaveout.embed.newest", raising=False)
        return {"method": "newest"}

    yield write
    sys.modules.pop("leaveout.embed.newest", None)


def test_a_method_gets_its_settings_weights_and_machine(method, tmp_path):
    settings = method("def encoder(*arguments):\n    return arguments\n")
    machine = Machine("cpu", 3)
    assert encoder(settings, tmp_path, machine) == (settings, tmp_path, machine)


@pytest.mark.parametrize(
    "text",
    [
        "import no_such_package\n",
        "from no_such_package.part import thing\n",
        "def encoder(*_):\n    import no_such_package\n",
    ],
    ids=["above", "part", "within"],
)
def test_a_package_that_is_not_installed_is_named_with_the_remedy(method, text):
    with pytest.raises(
        PackageMissing, match=r"newest needs the package no_such_package: run .*--use-conda, or install"
    ):
        encoder(method(text), None, Machine())


def test_a_module_that_the_library_itself_lacks_is_no_missing_package(method):
    with pytest.raises(ModuleNotFoundError, match=r"leaveout\.nothing"):
        encoder(method("import leaveout.nothing\n"), None, Machine())


def test_a_package_whose_name_begins_like_the_librarys_is_a_missing_package(method):
    with pytest.raises(PackageMissing, match="leaveout_extras"):
        encoder(method("import leaveout_extras\n"), None, Machine())


def test_other_errors_of_a_method_stay_what_they_are(method):
    with pytest.raises(ZeroDivisionError):
        encoder(method("def encoder(*_):\n    1 / 0\n"), None, Machine())


@pytest.mark.parametrize("size", [1, 2, 5, 9])
def test_rows_of_all_chunks_are_stacked_in_order_in_single_precision(size):
    rows = np.random.default_rng(0).normal(size=(5, 3))
    X = stacked(5, (rows[i : i + size] for i in range(0, 5, size)))
    assert X.dtype == np.float32
    assert X.tolist() == rows.astype(np.float32).tolist()


@pytest.mark.parametrize(
    "shapes",
    [[(2, 3), (2, 3)], [(3, 3), (3, 3)], [(3, 3), (2, 4)], [(3, 3), (2, 1)], [(3, 3), (2, 3, 1)], [(5,)], [(6, 3)]],
)
def test_rows_that_do_not_fit_are_refused(shapes):
    """Rows of one number must not be repeated, and rows that are missing must not be what memory held."""
    with pytest.raises(InvalidModel, match="an embedding gave"):
        stacked(5, (np.ones(shape) for shape in shapes))


def test_an_encoder_without_fit_stacks_and_one_with_fit_sees_all_results_and_who_trains():
    training = np.array([True, False, True])
    rows = np.arange(6.0).reshape(3, 2)
    assert Encoder(np.asarray, 2).features(iter([rows[:2], rows[2:]]), training).tolist() == rows.tolist()
    counts = Encoder(list, 2, lambda texts, chosen: np.array([[len(list(texts)), chosen.sum()]]))
    assert counts.features(iter([["a", "b"], ["c"]]), training).tolist() == [[2, 2]]
