"""The problems that are measured: sizes, regulariser and intercept, after the paper's data sets."""

from dataclasses import dataclass, replace

from leaveout.evaluation import EVALUATIONS
from leaveout.penalty import Intercept
from leaveout.plotted import NOT_PLOTTED
from leaveout.removal import STRATEGIES

SEED = 0
#: What a study draws, but for the strategy that is never plotted, and all that it asks of a model.
PLOTTED_STRATEGIES = tuple(name for name in STRATEGIES if name not in NOT_PLOTTED)
EVALUATION_NAMES = tuple(EVALUATIONS)
#: Smallest and largest set, in percent of n.
SMALLEST, LARGEST = 0.1, 5.0


@dataclass(frozen=True)
class Case:
    """A problem.

    Attributes
    ----------
    name : str
    n, d, test : int
        Training samples, features without the constant, test points.
    regularization : float
    intercept : {"none", "penalized", "unpenalized"}
    set_sizes : int
        How many sizes of sets; each strategy draws one set a size.
    repeats : int
        How often the chain is run; medians are reported.
    """

    name: str
    n: int
    d: int
    test: int
    regularization: float = 1e-5
    intercept: Intercept = "penalized"
    set_sizes: int = 40
    repeats: int = 1

    @property
    def parameters(self) -> int:
        """``p``: features and the constant, if there is one."""
        return self.d + (self.intercept != "none")

    @property
    def folder(self) -> str:
        """Name of the folder that its files go to."""
        return f"{self.name}-{self.n}-{self.d}"


MAIN = Case("embedding", 9600, 2048, 2400, repeats=3)
WIDE = (
    Case("dogfish", 1800, 2048, 600, regularization=2.2e-2, intercept="none", repeats=3),
    Case("enron", 4137, 5400, 1035, regularization=1e-3, intercept="none"),
)
LARGE = Case("imdb", 40_000, 768, 10_000)
SCALED = Case("scaling", 2400, 512, 600)


def quick(case: Case) -> Case:
    """Return a problem of the same shape: an eighth of its samples and features, a few sets, measured once."""
    return replace(case, n=case.n // 8, d=case.d // 8, test=case.test // 8, set_sizes=8, repeats=1)
