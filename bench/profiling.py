"""What the time is made of: seconds of each part of the library.

Own time of a function outside the library (numpy, scipy, Python) is charged to the library's functions that called it,
in proportion to the calls' own share; so every second belongs to a function of the library, and each to one part.
"""

import cProfile
import pstats
from collections import defaultdict
from pathlib import Path

import leaveout

Function = tuple[str, int, str]

LIBRARY = Path(leaveout.__file__).parent
OTHER = "everything else"
#: Functions that do other work than their module's; the others are what ``MODULES`` says, or their module's name.
FUNCTIONS = {
    ("leave_out", "precondition"): "Newton directions",
    ("leave_out", "curvature_changes"): "Newton directions",
    ("lbfgs", "_inverse_product"): "L-BFGS's own vectors",
    ("lbfgs", "of"): "L-BFGS's own vectors",
    ("lbfgs", "between"): "L-BFGS's own vectors",
    ("model", "hessian"): "Hessians of the fit",
    ("linear_algebra", "cholesky"): "Cholesky factors",
    ("linear_algebra", "triangular_inverse"): "Cholesky factors",
    ("model", "gradient_errors"): "certificates and bounds",
} | {
    ("leave_out", name): "certificates and bounds"
    for name in ("distances", "decrements", "dual_norms", "dual_norm", "reach", "rounding")
}
MODULES = {
    "leave_out": "passes over X",
    "retraining": "passes over X",
    "fitting": "passes over X",
    "lbfgs": "elementwise loss and line search",
    "loss": "elementwise loss and line search",
    "inexact_newton": "Newton directions",
    "conjugate_gradients": "Newton directions",
    "removed": "factors of the sets",
    "evaluation": "evaluation and effect errors",
    "effect_error": "evaluation and effect errors",
    "measurement": "evaluation and effect errors",
    "bounds": "certificates and bounds",
    "certificate": "certificates and bounds",
    "estimators": "IF, RIF and NS",
    "whitening": "whitening",
    "model": "whitening",
    "coordinates": "whitening",
    "penalty": "whitening",
}


def parts(profile: cProfile.Profile) -> dict[str, float]:
    """Seconds of each part of the library, the largest first."""
    found: defaultdict[str, float] = defaultdict(float)
    for function, own in _charged(profile).items():
        found[_part(function)] += own
    return dict(sorted(found.items(), key=lambda item: -item[1]))


def functions(profile: cProfile.Profile, count: int = 8) -> dict[str, float]:
    """Seconds of the library's functions that take most, those of what they call outside it included."""
    charged = sorted(_charged(profile).items(), key=lambda item: -item[1])[:count]
    return {f"{Path(file).stem}.{name}": own for (file, _, name), own in charged}


def _in_library(function: Function) -> bool:
    return LIBRARY in Path(function[0]).parents


def _part(function: Function) -> str:
    if not _in_library(function):
        return OTHER
    module = Path(function[0]).stem
    return FUNCTIONS.get((module, function[2]), MODULES.get(module, module))


def _charged(profile: cProfile.Profile) -> dict[Function, float]:
    """Own seconds of the library's functions, with those of the outside functions that they call, however deep."""
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    callers = {function: entry[4] for function, entry in stats.items()}
    found: defaultdict[Function, float] = defaultdict(float)

    def charge(function: Function, own: float, seen: frozenset[Function]) -> None:
        above = {caller: edge for caller, edge in callers.get(function, {}).items() if caller not in seen}
        if _in_library(function) or not above or own < NEGLIGIBLE:
            found[function] += own
            return
        total = sum(edge[3] for edge in above.values())
        for caller, edge in above.items():
            charge(caller, own * (edge[3] / total if total else 1 / len(above)), seen | {function})

    for function, entry in stats.items():
        charge(function, entry[2], frozenset())
    return found


#: Seconds that are not worth following upwards.
NEGLIGIBLE = 1e-6
