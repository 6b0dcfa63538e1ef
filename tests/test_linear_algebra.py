"""What the seam between the array libraries promises; torch's side is in test_torch."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

from leaveout import devices, linear_algebra
from leaveout.errors import DeviceUnavailable


def test_the_processor_computes_on_the_array_itself():
    array = np.zeros((2, 3))
    assert linear_algebra.placed(array, "cpu") is array


def test_without_a_driver_auto_is_the_processor_and_torch_is_not_imported(monkeypatch):
    monkeypatch.setattr(devices, "_driver", lambda: False)
    monkeypatch.setattr(devices, "import_module", lambda name: pytest.fail(f"imported {name}"))
    array = np.zeros((2, 3))
    assert linear_algebra.placed(array, "auto") is array


def test_a_missing_card_is_an_error_only_where_it_is_asked_for(monkeypatch):
    monkeypatch.setattr(devices, "_driver", lambda: True)
    monkeypatch.setattr(devices, "find_spec", lambda name: None)
    array = np.zeros((2, 3))
    assert linear_algebra.placed(array, "auto") is array
    with pytest.raises(DeviceUnavailable, match=r"torch is not installed.*device = cpu"):
        linear_algebra.placed(array, "cuda")
    with pytest.raises(DeviceUnavailable, match="'gpu': allowed is one of auto, cpu, cuda"):
        linear_algebra.placed(array, "gpu")


@pytest.mark.parametrize("q", [0, 1, 5, 40])
def test_factors_and_their_inverses(q):
    generator = np.random.default_rng(q)
    root = generator.normal(size=(q, 2 * q))
    matrix, rhs = root @ root.T, generator.normal(size=q)
    factor = linear_algebra.cholesky(matrix)
    assert_allclose(factor @ factor.T, matrix, atol=1e-12)
    assert_allclose(linear_algebra.triangular_inverse(factor) @ factor, np.eye(q), atol=1e-9)
    assert_allclose(matrix @ linear_algebra.cholesky_solve(factor, rhs), rhs, atol=1e-9)


def test_a_matrix_that_is_not_positive_definite_is_a_linalgerror():
    with pytest.raises(np.linalg.LinAlgError):
        linear_algebra.cholesky(np.diag([1.0, -1.0]))
