"""The paper's effect on real data: IF underestimates, RIF less, the Newton step hardly, for all three quantities."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

import leaveout
from leaveout import effects, evaluation, removal
from leaveout.comparison import compare
from leaveout.embed.fourier import embed
from leaveout.embeddings import split
from leaveout.measurement import measure
from leaveout.removal import STRATEGIES, draw

SEED = 2


@pytest.fixture(scope="module")
def pairs():
    pixels, digit = load_digits(return_X_y=True)
    X, y = embed(pixels / 16, features=1024, gamma=0.02, scale=np.sqrt(512) / 8, seed=0), digit % 2.0
    training = np.array(split(len(y), 0.8, 42)) == "train"
    model = leaveout.fit(X[training], y[training], 1e-5, intercept="penalized")
    assert len(model.y) == 1437
    assert model.accuracy(X[~training], y[~training]) == pytest.approx(0.989, abs=0.002)
    assert model.leverage.mean() == pytest.approx(0.071, abs=0.001)
    assert model.leverage.max() == pytest.approx(0.67, abs=0.01)
    names = ("test_prediction", "test_loss", "self_loss")
    functions = evaluation.bind(names, model, X[~training], y[~training], SEED, "digits")
    given = removal.candidates(model, functions, X[training])
    plotted = [name for name in STRATEGIES if name != "high_loss"]
    sets = list(draw(given, plotted, removal.sizes(1437, 0.1, 5, 8), 1, SEED, "digits"))
    labels = {"study": "s", "dataset": "digits", "variant": "base", "n_train": 1437}
    settings = {"regularization": 1e-5, "regularizer": "per_sample", "intercept": "penalized"}
    comparison = compare(effects.table(measure(model, functions, sets, labels | settings)))
    assert not comparison.uncertified
    return comparison.pairs


# Slopes from an independent computation with other draws of the sets, which move them by 0.1 and more.
@pytest.mark.parametrize(
    "function, expected",
    [("test_prediction", (0.47, 0.82, 1.04)), ("test_loss", (0.41, 0.78, 1.04)), ("self_loss", (0.19, 0.77, 1.05))],
)
def test_slopes_on_digits(pairs, function, expected):
    slopes = []
    for method, value in zip(("if", "rif", "newton"), expected, strict=True):
        chosen = pairs[(pairs["evaluation"] == function) & (pairs["method"] == method)]
        slopes.append(np.sum(chosen["actual"] * chosen["predicted"]) / np.sum(chosen["actual"] ** 2))
        assert slopes[-1] == pytest.approx(value, abs=0.15)
    assert abs(slopes[1] - 1) < abs(slopes[0] - 1)
