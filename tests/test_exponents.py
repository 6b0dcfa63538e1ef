"""Exponents of made-up power laws are found again, and their intervals cover."""

import itertools

import numpy as np
import pytest

from leaveout.exponents import Measurements, exponents
from leaveout.exponents import _redrawn as redrawn
from tolerance import EXACT

TRUE = {"k": 1.5, "n": -2.0, "d": 0.5}


def measurements(noise, between, draws=8, designs=3, seed=0):
    """A power law of k, n and d, with noise of its draws and of its designs."""
    generator = np.random.default_rng(seed)
    cells = list(itertools.product((200, 400, 800), (5, 10, 20), range(designs), (1, 2, 4, 8)))
    number = {design: i for i, design in enumerate(dict.fromkeys(cell[:3] for cell in cells))}
    stratum = {place: i for i, place in enumerate(dict.fromkeys(design[:2] for design in number))}
    shift = between * generator.normal(size=len(number))
    design = np.array([number[cell[:3]] for cell in cells])
    variables = {name: np.array([cell[i] for cell in cells], dtype=float) for name, i in (("k", 3), ("n", 0), ("d", 1))}
    law = 7.0 * np.prod([variables[name] ** power for name, power in TRUE.items()], axis=0)
    values = (law * np.exp(shift[design]))[:, None] * np.exp(noise * generator.normal(size=(len(cells), draws)))
    return Measurements(
        values=values.ravel(),
        cell=np.repeat(np.arange(len(cells)), draws),
        variables=variables,
        design=design,
        stratum=np.array([stratum[place[:2]] for place in number]),
    )


def test_a_power_law_without_noise_is_found_exactly():
    found = exponents(measurements(0, 0), 20, np.random.default_rng(0))
    for name, power in TRUE.items():
        assert (found[name].value, found[name].low, found[name].high) == pytest.approx((power,) * 3, rel=EXACT)


def test_it_is_the_mean_over_draws_that_has_the_exponents():
    """Not their median: a law of means holds for means, however skewed the draws are."""
    one = measurements(1.0, 0, draws=4)
    means = one.values.reshape(-1, 4).mean(axis=1)
    A = np.column_stack([*(np.log(values) for values in one.variables.values()), np.ones(len(means))])
    expected = np.linalg.lstsq(A, np.log(means), rcond=None)[0]
    found = exponents(one, 2, np.random.default_rng(0))
    assert [interval.value for interval in found.values()] == pytest.approx(list(expected[:3]), rel=EXACT)


def test_cells_may_have_different_numbers_of_draws():
    whole = measurements(0, 0)
    kept = np.random.default_rng(1).random(len(whole.values)) < 0.8
    some = Measurements(whole.values[kept], whole.cell[kept], whole.variables, whole.design, whole.stratum)
    found = exponents(some, 20, np.random.default_rng(0))
    for name, power in TRUE.items():
        assert (found[name].value, found[name].low, found[name].high) == pytest.approx((power,) * 3, rel=EXACT)


def test_every_group_counts_as_much_as_it_has_members_and_one_of_one_always():
    groups = np.array([0, 0, 0, 1, 2, 2])
    drawn = redrawn(groups, 500, np.random.default_rng(0))
    for group, size in enumerate((3, 1, 2)):
        assert drawn[:, groups == group].sum(axis=1) == pytest.approx(size)
    assert (drawn[:, 3] == 1).all()
    assert drawn.mean(axis=0) == pytest.approx(np.ones(6), abs=0.15)
    # two of three are drawn, and count three halves each
    assert set(np.unique(drawn[:, :3])) == {0, 1.5, 3}


@pytest.mark.parametrize("between, designs, draws", [(0.0, 3, 4), (0.3, 3, 4), (0.0, 1, 12)])
def test_intervals_are_as_wide_as_estimates_scatter_and_cover(between, designs, draws):
    """Whether designs differ by more than their draws or not, and of single designs by their draws."""
    found = [
        exponents(measurements(0.3, between, draws, designs, seed), 100, np.random.default_rng(seed))
        for seed in range(60)
    ]
    covered = [one[name].low <= power <= one[name].high for one in found for name, power in TRUE.items()]
    assert 0.88 < np.mean(covered) < 0.99
    for name in TRUE:
        width = np.mean([one[name].high - one[name].low for one in found])
        scatter = 2 * 1.96 * np.std([one[name].value for one in found])
        assert 0.75 < width / scatter < 1.3, name


def test_designs_that_differ_widen_the_interval_of_what_they_differ_in():
    """The exponent of d is known by designs, that of k by draws within each."""
    quiet, loud = (exponents(measurements(0.1, spread), 200, np.random.default_rng(0)) for spread in (0.0, 0.5))
    width = {name: (quiet[name].high - quiet[name].low, loud[name].high - loud[name].low) for name in TRUE}
    assert width["d"][1] > 5 * width["d"][0]
    assert width["k"][1] < 2 * width["k"][0]
