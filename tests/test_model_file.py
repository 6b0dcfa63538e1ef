"""A model that was written is the model that is read, or an error says which file is wrong."""

import mmap

import numpy as np
import pytest
from numpy.testing import assert_allclose

import leaveout
from conftest import case, gaussian
from leaveout.checksums import checksum
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
    assert found.whitening.scaled_condition == solved.model.whitening.scaled_condition
    assert_allclose(found.whitening.penalty, solved.model.whitening.penalty, rtol=1e-12)
    assert found.certificate.condition == pytest.approx(solved.model.certificate.condition)
    for method in ("if", "rif", "newton"):
        expected = leaveout.influence(solved.model, solved.sets, method)
        assert_allclose(leaveout.influence(found, solved.sets, method), expected, rtol=1e-9, atol=1e-12)


def test_a_factor_of_something_else_is_refused(tmp_path):
    one, other = case(seed=0), case(seed=1)
    model, factor = files(one.model, tmp_path)
    np.save(factor, other.model.whitening.basis)
    with pytest.raises(InvalidResults, match=r"factor\.npy: does not belong to .*fit\.npz \(delete both"):
        read_model(model, factor, one.X, one.y)


def test_a_wide_model_with_duplicates_does_not_depend_on_who_reads_it(tmp_path):
    """A duplicate leaves a direction of the row space to rounding, which differs between numbers of threads."""
    X, y = gaussian(60, 100, seed=0)
    X[7], X[8] = X[3], X[3]
    model = leaveout.fit(X, y, 1e-3)
    found = read_model(*files(model, tmp_path), X, y)
    assert found.coordinates.basis.tolist() == model.coordinates.basis.tolist()
    expected = leaveout.influence(model, [[3, 20]], "newton")
    assert_allclose(leaveout.influence(found, [[3, 20]], "newton"), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(60, 7), (40, 70)])
def test_samples_in_another_order_are_refused(tmp_path, shape):
    """Their gradient vanishes as well."""
    X, y = gaussian(*shape, seed=0)
    paths = files(leaveout.fit(X, y, 1e-3), tmp_path)
    swapped = np.r_[1, 0, 2 : len(y)]
    with pytest.raises(InvalidResults, match=r"factor\.npy: computed from other samples, or in another order"):
        read_model(*paths, X[swapped], y[swapped])


def test_samples_in_another_order_are_refused_whatever_their_columns_scales(tmp_path):
    X, y = gaussian(60, 7, seed=0)
    X *= np.geomspace(1e-6, 1e6, 7)
    paths = files(leaveout.fit(X, y, 1e-8), tmp_path)
    assert read_model(*paths, X, y).n == 60
    swapped = np.r_[1, 0, 2 : len(y)]
    with pytest.raises(InvalidResults, match="another order"):
        read_model(*paths, X[swapped], y[swapped])


@pytest.mark.parametrize("damage", ["empty", "truncated", "older", "absent", "flat factor"])
def test_damaged_files_are_named(tmp_path, damage):
    one = case()
    model, factor = files(one.model, tmp_path)
    with np.load(model) as stored:
        content = dict(stored)
    if damage == "empty":
        model.write_bytes(b"")
    elif damage == "truncated":
        model.write_bytes(model.read_bytes()[:-200])
    elif damage == "older":
        del content["hessian_norm"]
        np.savez(model, **content)
    elif damage == "absent":
        factor.unlink()
    else:
        np.save(factor, np.zeros(67))
        np.savez(model, **content | {"factor_sha256": checksum(factor)})
    with pytest.raises(InvalidResults, match=r"(fit\.npz|factor\.npy).*run again"):
        read_model(model, factor, one.X, one.y)


def test_whitened_samples_are_mapped_not_read(tmp_path):
    one = case()
    found = read_model(*files(one.model, tmp_path), one.X, one.y)
    owner = found.whitened
    while isinstance(owner.base, np.ndarray):
        owner = owner.base
    assert isinstance(owner.base, mmap.mmap)
    assert not found.whitened.flags.writeable


def test_an_ill_conditioned_model_can_be_read(tmp_path):
    X, y = gaussian(40, 5, seed=0)
    X[:, 4] = X[:, 3]
    X *= 3e3
    model = leaveout.fit(X, y, 1e-8)
    found = read_model(*files(model, tmp_path), X, y)
    assert leaveout.retrain(found, [[1]]).certified.all() == leaveout.retrain(model, [[1]]).certified.all()


def test_the_callers_labels_stay_the_callers(tmp_path):
    one = case()
    labels = one.y.copy()
    read_model(*files(one.model, tmp_path), one.X, labels)
    labels[0] = 1 - labels[0]


def test_parameters_of_other_samples_are_refused(tmp_path):
    one = case(seed=0)
    paths = files(one.model, tmp_path)
    X, y = gaussian(60, 7, seed=5)
    with pytest.raises(InvalidResults, match=r"fit\.npz"):
        read_model(*paths, X, y)
    with pytest.raises(InvalidResults, match="7 parameters for 6"):
        read_model(*paths, X[:, :6], y)
    with pytest.raises(InvalidResults, match=r"factor\.npy: 67 rows, 66 were expected"):
        read_model(*paths, one.X[:-1], one.y[:-1])
