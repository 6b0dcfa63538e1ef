"""Problems that the tests share."""

import os
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from hypothesis import settings

import leaveout
from configured import load_texts
from oracles.dense import Problem

settings.register_profile("leaveout", deadline=None, max_examples=40, derandomize=True)
settings.load_profile("leaveout")

MIRROR = "LEAVEOUT_MIRROR"
REGULARIZERS = ("per_sample", "fixed")
INTERCEPTS = ("none", "penalized", "unpenalized")


def gaussian(n, d, seed, spread=1.0):
    """Gaussian features of uneven scale and labels of a logistic model."""
    generator = np.random.default_rng(seed)
    X = generator.normal(size=(n, d)) * np.logspace(0, -1, d)
    margin = X @ generator.normal(size=d) * spread
    y = (generator.random(n) < 1 / (1 + np.exp(-margin))).astype(float)
    y[:2] = 0, 1
    return X, y


@dataclass(frozen=True)
class Case:
    """A fitted model beside the brute-force problem that it should solve."""

    X: np.ndarray
    y: np.ndarray
    dense: Problem
    model: leaveout.Model
    sets: list


def case(n=60, d=7, regularization=1e-3, regularizer="per_sample", intercept="none", seed=0):
    X, y = gaussian(n, d, seed)
    model = leaveout.fit(X, y, regularization, regularizer, intercept)
    generator = np.random.default_rng(seed + 1)
    sizes = [1, 2, 5, n // 10, n // 4, n // 2, n // 2 + 3, n - n // 4]
    sets = [generator.permutation(n)[: max(1, size)] for size in sizes]
    sets = [s for s in sets if len(set(np.delete(y, s))) == 2]
    return Case(X, y, Problem(X, y, regularization, regularizer, intercept), model, sets)


@pytest.fixture(params=REGULARIZERS)
def regularizer(request):
    return request.param


@pytest.fixture(params=INTERCEPTS)
def intercept(request):
    return request.param


@pytest.fixture(params=["tall", "wide"])
def shape(request):
    return {"tall": (60, 7), "wide": (40, 90)}[request.param]


@pytest.fixture
def solved(shape, regularizer, intercept):
    """Every combination of shape, convention and intercept."""
    return case(*shape, regularizer=regularizer, intercept=intercept)


@pytest.fixture
def loaded(tmp_path):
    """Load the known data sets, the study ``demo`` and further texts, all on disk."""
    return partial(load_texts, tmp_path)


@pytest.fixture(scope="session")
def mirror():
    """Folder of the sources' real files; without it the tests on them are skipped."""
    if MIRROR not in os.environ:
        pytest.skip(f"{MIRROR} names no folder with the sources' files")
    folder = Path(os.environ[MIRROR])
    assert folder.is_dir(), f"{MIRROR}={folder}: there is no such folder"
    return folder
