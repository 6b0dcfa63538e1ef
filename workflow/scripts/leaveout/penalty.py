r"""The regulariser ``(weight / 2) theta' P theta`` and what happens to it when samples are removed.

============  ==========================================  =======================  =========
regularizer   sum-form weight without k of n samples      each sample's share      mean over
============  ==========================================  =======================  =========
per_sample    (n - k) lambda                              lambda                   n - k
fixed         n lambda                                    0                        n
============  ==========================================  =======================  =========

``P`` is the identity, with a zero for an unpenalised intercept.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from leaveout.arrays import Array
from leaveout.errors import InvalidData
from leaveout.linear_algebra import beside

Regularizer = Literal["per_sample", "fixed"]
Intercept = Literal["none", "penalized", "unpenalized"]


@dataclass(frozen=True)
class Penalty:
    """Strength and convention of the regulariser.

    Attributes
    ----------
    regularization : float
        lambda >= 0, in mean form.
    regularizer : {"per_sample", "fixed"}
        Whether a removed sample takes its share of the regulariser along.
    intercept : {"none", "penalized", "unpenalized"}
        Whether a constant column is appended to the features, and whether its weight is regularised.
    """

    regularization: float
    regularizer: Regularizer
    intercept: Intercept

    def __post_init__(self) -> None:
        if not (np.isfinite(self.regularization) and self.regularization >= 0):
            raise InvalidData(f"regularization = {self.regularization}: allowed is a finite number >= 0")
        for name, allowed in (("regularizer", get_args(Regularizer)), ("intercept", get_args(Intercept))):
            if getattr(self, name) not in allowed:
                raise InvalidData(f"{name} = {getattr(self, name)!r}: allowed is one of {', '.join(allowed)}")

    @property
    def share(self) -> float:
        """Weight of the regulariser that leaves with one sample."""
        return self.regularization if self.regularizer == "per_sample" else 0.0

    def weight(self, n: int, removed: int = 0) -> float:
        """Weight of the regulariser in sum form when ``removed`` of ``n`` samples are gone."""
        return n * self.regularization - removed * self.share

    def divisor(self, n: int, removed: int = 0) -> int:
        """What turns the sum form into the mean form."""
        return n - removed if self.regularizer == "per_sample" else n

    def diagonal(self, parameters: int) -> Array:
        """Diagonal of ``P`` for ``parameters`` weights, a constant's last."""
        diagonal = np.ones(parameters)
        if self.intercept == "unpenalized":
            diagonal[-1] = 0.0
        return diagonal

    def design(self, X: Array) -> Array:
        """Features with the constant column appended, if the model has one; float64, rows contiguous."""
        n, d = X.shape
        design = beside(X, np.ones((n, d + (self.intercept != "none"))))
        design[:, :d] = X
        return design
