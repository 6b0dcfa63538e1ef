"""What one run of the benchmark measured, before anything is judged."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from bench import bound
from bench.cases import Case
from bench.chain import Chain
from bench.constants import Constants
from bench.refits import Refits
from bench.scaling import Point


@dataclass(frozen=True)
class Repeated:
    """A case, and the chains that were run on it."""

    case: Case
    chains: Sequence[Chain]

    @property
    def seconds(self) -> float:
        """Seconds of fit and measurement, median."""
        return float(np.median([chain.total for chain in self.chains]))

    @property
    def sets(self) -> int:
        """How many removal sets were measured."""
        return len(self.chains[0].set_sizes)

    @property
    def certified(self) -> int:
        """How many of them are certified, in the worst run."""
        return min(chain.certified for chain in self.chains)

    @property
    def flops(self) -> dict[str, float]:
        """What the case costs at the least, by term."""
        chain = self.chains[0]
        return bound.flops(chain.n, chain.parameters, chain.test, chain.set_sizes)


@dataclass(frozen=True)
class Published:
    """The published procedure, timed on some sets.

    Attributes
    ----------
    prepared : float
        Seconds of what all sets share.
    seconds : dict from part to list of float
        One number a set.
    difference : dict from method to dict from evaluation function to float
        Largest relative difference of its effects from the chain's.
    """

    prepared: float
    seconds: dict[str, list[float]]
    difference: dict[str, dict[str, float]]

    @property
    def sets(self) -> int:
        """How many sets were timed."""
        return len(next(iter(self.seconds.values())))

    def total(self, sets: int) -> float:
        """Seconds that so many sets take: what they share, and the mean of those that were timed."""
        return self.prepared + sets * sum(float(np.mean(seconds)) for seconds in self.seconds.values())


@dataclass
class Results:
    """Everything; what was not asked for is None. Targets are judged at the sizes that they are about."""

    judged: bool = True
    rates: list[float] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)
    main: Repeated | None = None
    profiled: Chain | None = None
    published: Published | None = None
    newton_cholesky: Refits | None = None
    lbfgs: Refits | None = None
    constants: Constants | None = None
    wide: list[Repeated] = field(default_factory=list)
    large: Repeated | None = None
    scaling: list[Point] | None = None

    @property
    def rate(self) -> float:
        """Flops a second of a matrix product, median over the whole run."""
        return float(np.median(self.rates))
