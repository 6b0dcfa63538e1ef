"""In an environment: what lies in another installation's ``site-packages`` is not there, but for Snakemake itself.

Namespace packages pass too: they have no file that says where they lie.
Snakemake puts the folders of its own installation on the search path of a job's script, which unpickles an object of
Snakemake's. What it brings for itself (PyYAML, requests, tabulate, ...) would fill in for what an environment lacks.
The stand-in for conda copies this file into each environment; it imports little, since every job pays for it.
"""

import sys
from importlib.machinery import ModuleSpec, PathFinder


class OwnPackages:
    """A finder of modules, asked before all others, that refuses those that the environment does not have."""

    @staticmethod
    def find_spec(name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Leave a module to whom it concerns.

        Raises
        ------
        ModuleNotFoundError
            It is another installation's.
        """
        if path is None and name.split("_")[0] != "snakemake":
            spec = PathFinder.find_spec(name)
            place = str(spec.origin) if spec else ""
            if "/site-packages/" in place and not place.startswith(f"{sys.prefix}/"):
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return None


def begin() -> None:
    """Refuse from now on."""
    sys.meta_path.insert(0, OwnPackages)
