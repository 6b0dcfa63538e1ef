r"""Removal sets: which training samples are left out, by strategy, size and repeat.

=================================================  ==========================================================
strategy                                           the set of size k
=================================================  ==========================================================
random                                             k samples, uniformly
cluster_feature                                    the k closest to a random sample in one random feature
cluster_l2                                         the k closest to a random sample in Euclidean distance
top_{positive,negative}_{test_loss,prediction}     k of the 2k with the most positive or negative influence
                                                   (IF) on test_loss or test_prediction
high_loss                                          k of the 2k with the highest training loss (not plotted)
published_{positive,negative}_{test_loss,...}      the k highest of 2k that are any but the 2k lowest: what the
                                                   paper's code takes for top_... (not plotted)
=================================================  ==========================================================

References
----------
Rubinstein & Hopkins, appendix C.2; Koh et al. 2019.
"""

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from leaveout import loss, result_rows, seeds
from leaveout.arrays import Array, IntArray
from leaveout.errors import InvalidData
from leaveout.estimators import contributions
from leaveout.evaluation import Evaluations
from leaveout.linear_algebra import on_host
from leaveout.model import Model
from leaveout.plotted import NOT_PLOTTED

#: Samples whose distances are computed at a time.
ROWS = 4096


@dataclass(frozen=True, eq=False)
class Candidates:
    """What strategies choose from.

    Attributes
    ----------
    features : (n, d) array
        Training features, without the constant column.
    loss : (n,) float64 array
        Losses of the training samples under the full model.
    influence : mapping from evaluation function to (n,) float64 array
        IF of removing each sample on it.
    """

    features: Array
    loss: Array
    influence: Mapping[str, Array]


Strategy = Callable[[Candidates, int, np.random.Generator], IntArray]


@dataclass(frozen=True, eq=False)
class RemovalSet:
    """One removal set: ``positions`` among the training samples, sorted."""

    strategy: str
    size: int
    repeat: int
    positions: IntArray

    @property
    def set_id(self) -> str:
        """Name of the set, unique within a variant."""
        return f"{self.strategy}-{self.size}-{self.repeat}"

    @property
    def columns(self) -> dict[str, str | int]:
        """What rows say of the set."""
        return {"strategy": self.strategy, "size": self.size, "repeat": self.repeat, "set_id": self.set_id}


def candidates(model: Model, evaluations: Evaluations, features: Array) -> Candidates:
    """Collect what the strategies look at; the influences are those of the evaluation functions at hand."""
    directions = [on_host(model.coordinates.lift(f.gradient)) for f in evaluations.functions]
    along = contributions(model, "if", np.array(directions))
    influence = {f.name: along[:, i] for i, f in enumerate(evaluations.functions)}
    return Candidates(features, on_host(loss.value(model.z, model.y)), influence)


def _closest(distance: Array, center: int, k: int, generator: np.random.Generator) -> IntArray:
    """Return the k samples of least distance, the centre among them; ties in random order."""
    priority = generator.permutation(len(distance))
    priority[center] = -1
    return np.lexsort((priority, distance))[:k]


def random(given: Candidates, k: int, generator: np.random.Generator) -> IntArray:
    """k samples, uniformly."""
    return generator.choice(len(given.features), size=k, replace=False)


def cluster_feature(given: Candidates, k: int, generator: np.random.Generator) -> IntArray:
    """The k samples closest to a random sample in one random feature."""
    n, d = given.features.shape
    center, feature = int(generator.integers(n)), int(generator.integers(d))
    column = given.features[:, feature].astype(np.float64)
    return _closest(np.abs(column - column[center]), center, k, generator)


def cluster_l2(given: Candidates, k: int, generator: np.random.Generator) -> IntArray:
    """The k samples closest to a random sample in Euclidean distance."""
    from scipy.spatial.distance import cdist  # here: loading it takes a tenth of a second, and most jobs draw nothing

    center = int(generator.integers(len(given.features)))
    n = len(given.features)
    parts = [given.features[begin : begin + ROWS] for begin in range(0, n, ROWS)]  # copies in float64, few at a time
    distance = np.concatenate([cdist(part, given.features[[center]])[:, 0] for part in parts])
    return _closest(distance, center, k, generator)


def _top(score: Array, k: int, generator: np.random.Generator) -> IntArray:
    """k samples drawn from the 2k with the highest score."""
    top = np.argsort(-score, kind="stable")[: 2 * k]
    return generator.choice(top, size=k, replace=False)


def top_influence(given: Candidates, k: int, generator: np.random.Generator, *, evaluation: str, sign: int) -> IntArray:
    """k samples drawn from the 2k whose removal has the highest influence of one sign on an evaluation function."""
    return _top(sign * given.influence[evaluation], k, generator)


def high_loss(given: Candidates, k: int, generator: np.random.Generator) -> IntArray:
    """k samples drawn from the 2k with the highest training loss."""
    return _top(given.loss, k, generator)


def published_top(given: Candidates, k: int, generator: np.random.Generator, *, evaluation: str, sign: int) -> IntArray:
    """The k highest of 2k samples that are any but the 2k of *lowest* influence.

    The paper's code takes these where its text says "at random from the 2k of highest influence": it partitions the
    negated scores at ``kth = -2k``, keeps the *first* 2k places, and takes the k highest of what is there. Which
    samples are there is an accident of numpy's version and of the processor; here they are drawn.
    """
    score = sign * given.influence[evaluation]
    if 2 * k > len(score):
        raise InvalidData(f"removal sets of {k} samples: the published selection takes at most {len(score) // 2}")
    lowest = 2 * k if len(score) >= 4 * k else len(score) - 2 * k  # so many are out
    kept = generator.choice(np.argsort(score, kind="stable")[lowest:], size=2 * k, replace=False)
    return kept[np.argsort(-score[kept], kind="stable")[:k]]


STRATEGIES: Mapping[str, Strategy] = {
    "random": random,
    "cluster_feature": cluster_feature,
    "cluster_l2": cluster_l2,
    "top_positive_test_loss": partial(top_influence, evaluation="test_loss", sign=1),
    "top_negative_test_loss": partial(top_influence, evaluation="test_loss", sign=-1),
    "top_positive_test_prediction": partial(top_influence, evaluation="test_prediction", sign=1),
    "top_negative_test_prediction": partial(top_influence, evaluation="test_prediction", sign=-1),
    "high_loss": high_loss,
    "published_positive_test_loss": partial(published_top, evaluation="test_loss", sign=1),
    "published_negative_test_loss": partial(published_top, evaluation="test_loss", sign=-1),
    "published_positive_test_prediction": partial(published_top, evaluation="test_prediction", sign=1),
    "published_negative_test_prediction": partial(published_top, evaluation="test_prediction", sign=-1),
}

#: Evaluation functions whose influences the strategies above rank by.
RANKED_BY = ("test_prediction", "test_loss")


def sizes(n: int, smallest: float, largest: float, count: int, first: int = 0, last: int | None = None) -> list[int]:
    """Distinct values of ``max(1, rint(linspace(smallest, largest, count) % of n))``.

    With ``first`` and ``last`` only those that positions ``first`` to ``last`` are the first to round to.
    """
    rounded = np.maximum(1, np.rint(np.linspace(smallest, largest, count) / 100 * n)).astype(int).tolist()
    return sorted(set(rounded[first : count if last is None else last + 1]) - set(rounded[:first]))


def draw(
    given: Candidates, strategies: Sequence[str], set_sizes: Sequence[int], repeats: int, seed: int, dataset: str
) -> Iterator[RemovalSet]:
    """Draw every set; each depends on the seed, the data set, n, and its own strategy, size and repeat alone.

    Raises
    ------
    InvalidData
        More repeats than there are different sets.
    """
    n = len(given.features)
    for size in set_sizes:
        if repeats > (most := math.comb(n, size)):
            raise InvalidData(
                f"{dataset}: repeats = {repeats}: there are no more than {most} different sets of {size} of "
                f"{n} training samples (fewer repeats, or other sizes)"
            )
    for strategy, size, repeat in itertools.product(strategies, set_sizes, range(repeats)):
        generator = seeds.generator(seed, dataset, n, strategy, size, repeat)
        positions = np.sort(STRATEGIES[strategy](given, size, generator)).astype(np.int64)
        yield RemovalSet(strategy, size, repeat, positions)


def first_sets(sets: Iterable[RemovalSet]) -> list[RemovalSet]:
    """Sets of the first seed, of the strategies that figures show."""
    return [one for one in sets if one.repeat == 0 and one.strategy not in NOT_PLOTTED]


SCHEMA = result_rows.schema(
    "1",
    pa.field("set_id", pa.string(), nullable=False),
    pa.field("strategy", pa.string(), nullable=False),
    pa.field("size", pa.int64(), nullable=False),
    pa.field("repeat", pa.int64(), nullable=False),
    pa.field("positions", pa.list_(pa.int64()), nullable=False),
    pa.field("ids", pa.list_(pa.string()), nullable=False),
)


def write_removal_sets(
    sets: Iterable[RemovalSet], ids: npt.NDArray[np.object_], path: str | Path, stamp: str | None = None
) -> None:
    """Write removal sets as positions among the training samples, and as the source's own ids, with their stamp."""
    rows = [
        removal_set.columns | {"positions": removal_set.positions.tolist(), "ids": ids[removal_set.positions].tolist()}
        for removal_set in sets
    ]
    result_rows.write(pa.Table.from_pylist(rows, schema=SCHEMA), path, stamp)


def read_removal_sets(
    path: str | Path, strategy: str | None = None, chosen: Sequence[int] | None = None
) -> list[RemovalSet]:
    """Read the removal sets of one strategy or all, of some sizes or all, in the order in which they were drawn.

    Raises
    ------
    InvalidResults
        The file is damaged, or was written by another version.
    """
    rows = result_rows.read(path, SCHEMA, ["strategy", "size", "repeat", "positions"])
    names, set_sizes, repeats = (rows[name].to_pylist() for name in ("strategy", "size", "repeat"))
    return [
        RemovalSet(names[i], size, repeats[i], np.array(rows["positions"][i].as_py(), dtype=np.int64))
        for i, size in enumerate(set_sizes)
        if (strategy is None or names[i] == strategy) and (chosen is None or size in chosen)
    ]
