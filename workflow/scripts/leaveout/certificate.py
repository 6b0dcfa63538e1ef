"""The evidence that a model is the optimum of its objective."""

from dataclasses import dataclass
from enum import StrEnum

#: Gradient norm, mean form, at which every fit and retrain stops, unless rounding stops it before.
TARGET = 1e-13
#: Gradient norm, mean form, up to which a model counts as the optimum.
CERTIFIED = 1e-10


class Status(StrEnum):
    """How an optimisation ended; the values are what results files hold."""

    CONVERGED = "converged"
    ITERATION_LIMIT = "iteration_limit"
    LINE_SEARCH_FAILED = "line_search_failed"
    NOT_REMOVABLE = "not_removable"


@dataclass(frozen=True)
class Certificate:
    """Evidence that ``theta`` is the optimum of ``J``.

    Attributes
    ----------
    gradient_norm : float
        ``||grad J(theta)||_2``, J as a mean over samples.
    newton_decrement : float
        ``sqrt(g' H^{-1} g)`` in sum form; half its square is the loss still to be gained, to second order.
    iterations : int
        Directions taken.
    status : Status
        ``converged``, or why not.
    condition : float
        Condition number of the Hessian less one sample's share of the regulariser, bounded from above.
    gradient_floor : float
        Gradient norm, mean form, that rounding alone leaves: no certificate can be smaller and mean more.
    """

    gradient_norm: float
    newton_decrement: float
    iterations: int
    status: Status
    condition: float
    gradient_floor: float
