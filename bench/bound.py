r"""Floating-point operations that no way of computing the same can avoid, and the seconds that they would take.

With n samples, p parameters, q = min(n, p) and s test points; a pass forms ``X v`` and ``X' u``:

=======================  =====================================================================
term                     flops
=======================  =====================================================================
row space (n < p)        2 p n^2 - 2 n^3 / 3 for ``X' = Q R``, 2 s p n for the test points
Hessians of the fit      8 n q^2, symmetric
their factors            8 q^3 / 3
whitening                n q^2
passes                   15 times 4 n q a set
factors of the sets      k^2 q + k^3 / 3, or k q^2 + q^3 / 3 where that is less
evaluation               2 (n + s) q a set and method, and 2 |S| q a set and function
=======================  =====================================================================

The last are the linear predictors of all points, and the gradients that the bounds of the effects' errors need.
"""

from collections.abc import Sequence

from leaveout.evaluation import CHOSEN, EVALUATIONS

#: Hessians of a fit, and passes over X of a set, that the bound allows.
HESSIANS, PASSES = 8, 15
#: IF, RIF, NS and the retrain.
METHODS = 4


def flops(n: int, p: int, s: int, set_sizes: Sequence[int]) -> dict[str, float]:
    """Count the operations of fit and measurement, a number a term.

    Parameters
    ----------
    n, p, s : int
        Training samples, parameters (the constant included), test points.
    set_sizes : sequence of int
        ``k`` of every removal set.
    """
    q, m = min(n, p), len(set_sizes)
    points = {"train": n, "test": s, "chosen": min(s, 2 * CHOSEN)}
    gradients = sum(2.0 * points[definition.points] * q for definition in EVALUATIONS.values())
    return {
        "row space": 2.0 * p * n**2 - 2 * n**3 / 3 + 2.0 * s * p * n if n < p else 0.0,
        "Hessians of the fit": HESSIANS * float(n) * q**2,
        "their factors": HESSIANS * q**3 / 3,
        "whitening": float(n) * q**2,
        "passes": m * PASSES * 4.0 * n * q,
        "factors of the sets": sum(min(k**2 * q + k**3 / 3, k * q**2 + q**3 / 3) for k in set_sizes),
        "evaluation": m * (METHODS * 2.0 * (n + s) * q + gradients),
    }


def seconds(counted: dict[str, float], rate: float) -> float:
    """Seconds that the counted operations take at the rate of matrix products, flops a second."""
    return sum(counted.values()) / rate
