"""A model that was written is the model that is read, or an error says which file is wrong."""

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout.errors import InvalidResults
from leaveout.model_file import read_model, write_model


def files(model, folder):
    paths = folder / "fit.npz", folder / "factor.npy"
    write_model(model, 0.9, *paths)
    return paths


def test_a_model_survives_its_files(solved, tmp_path):
    found = read_model(*files(solved.model, tmp_path), solved.X, solved.y)
    assert_allclose(found.theta, solved.model.theta, rtol=1e-12, atol=1e-14)
    assert found.whitening.basis.tolist() == solved.model.whitening.basis.tolist()
    assert_allclose(found.whitening.penalty, solved.model.whitening.penalty, rtol=1e-12)
    assert found.certificate.condition == pytest.approx(solved.model.certificate.condition)
    for method in ("if", "rif", "newton"):
        expected = leaveout.influence(solved.model, solved.sets, method)
        assert_allclose(leaveout.influence(found, solved.sets, method), expected, rtol=1e-9, atol=1e-12)


def test_a_factor_of_something_else_is_refused(tmp_path):
    one, other = case(seed=0), case(seed=1)
    model, factor = files(one.model, tmp_path)
    np.save(factor, other.model.whitening.basis)
    with pytest.raises(InvalidResults, match=r"factor\.npy.*delete it"):
        read_model(model, factor, one.X, one.y)
    np.save(factor, np.eye(3))
    with pytest.raises(InvalidResults, match=r"factor\.npy: shape \(3, 3\)"):
        read_model(model, factor, one.X, one.y)


def test_parameters_of_other_samples_are_refused(tmp_path):
    one = case(seed=0)
    paths = files(one.model, tmp_path)
    X, y = gaussian(60, 7, seed=5)
    with pytest.raises(InvalidResults, match=r"fit\.npz"):
        read_model(*paths, X, y)
    with pytest.raises(InvalidResults, match="7 parameters for 6"):
        read_model(*paths, X[:, :6], y)
