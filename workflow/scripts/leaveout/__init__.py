"""How much did a set of training samples matter? Predictions of leaving samples out, and certified retraining.

The names below are loaded when first used, so that no environment needs the packages of another.
"""

from importlib import import_module
from typing import Any

_PUBLIC = {
    "fit": "fitting",
    "from_sklearn": "fitting",
    "Model": "model",
    "influence": "estimators",
    "contributions": "estimators",
    "retrain": "retraining",
    "Retraining": "retraining",
    "Certificate": "certificate",
    "Status": "certificate",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
