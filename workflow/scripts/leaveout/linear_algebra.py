"""Linear algebra where the features live: numpy arrays, or torch tensors on a processor or a graphics card.

The mathematics is written once, in the array API standard: it asks ``namespace`` for the library of its arrays. What
the standard lacks, and what the two libraries spell differently, stands here and nowhere else. Which sets are still
going, statuses and other decisions are numpy arrays on the host.
"""

from contextlib import AbstractContextManager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.linalg
import scipy.special
from array_api_compat import array_namespace, device, is_torch_array
from threadpoolctl import ThreadpoolController

from leaveout.arrays import Array
from leaveout.devices import Device, chosen


def is_tensor(array: object) -> bool:
    """Whether ``array`` is torch's."""
    return bool(is_torch_array(array))


def namespace(array: Any) -> Any:
    """The array library of ``array``, in the spelling of the array API standard."""
    return array_namespace(array)


def on_host(array: Any) -> Any:
    """``array`` as a numpy array; itself if it is one."""
    return array.detach().cpu().numpy() if is_tensor(array) else array


def beside(array: Array, values: npt.ArrayLike) -> Array:
    """Numbers from the host as a float64 array of the library and on the device of ``array``."""
    xp, numbers = namespace(array), np.asarray(values, dtype=np.float64)
    if is_tensor(array) and not numbers.flags.writeable:
        numbers = numbers.copy()  # torch cannot share what must not be written
    return xp.asarray(numbers, dtype=xp.float64, device=device(array))


def placed(array: Array, where: Device) -> Array:
    """A numpy array where the engine is to compute: itself on the processor, a torch tensor on a graphics card.

    Raises
    ------
    DeviceUnavailable
        ``cuda`` is asked for and there is none, or no torch to use it.
    """
    if chosen(where) == "cpu":
        return array
    return import_module("torch").from_numpy(np.array(array)).to("cuda")


def freeze(array: Array) -> None:
    """Forbid writing, where the library can: what is derived from the array is kept."""
    if not is_tensor(array):
        array.setflags(write=False)


def eye(matrix: Array) -> Array:
    """The identity of the shape of ``matrix``, (q, q)."""
    xp = namespace(matrix)
    return xp.eye(len(matrix), dtype=xp.float64, device=device(matrix))


def matrix_norm(matrix: Array) -> float:
    """Frobenius norm."""
    return float(namespace(matrix).linalg.matrix_norm(matrix))


def expit(z: Array) -> Array:
    """``1 / (1 + e^-z)``."""
    return namespace(z).sigmoid(z) if is_tensor(z) else scipy.special.expit(z)


def as_type(array: Array, dtype: Any) -> Array:
    """``array`` in another precision; itself where it has it."""
    return namespace(array).astype(array, dtype, copy=False)


def dots(left: Array, right: Array) -> Array:
    """Inner products of the rows of ``left`` with those of ``right``, (m,)."""
    if not is_tensor(left):
        return np.einsum("ij,ij->i", left, right)
    return (left * right).sum(axis=1)


def squares(rows: Array, weights: Array) -> Array:
    """``sum_j weights_j rows_ij^2``, (n,)."""
    if not is_tensor(rows):
        return np.einsum("ij,ij,j->i", rows, rows, weights)
    return rows**2 @ weights


def cholesky(matrix: Array) -> Array:
    """Lower Cholesky factor; ``LinAlgError`` where the matrix is not positive definite."""
    if not is_tensor(matrix):
        with substituting():  # LAPACK at once: numpy's own takes twice as long, by copies
            factor, failed = scipy.linalg.lapack.dpotrf(matrix.T, lower=0) if len(matrix) else (matrix, 0)
        if failed:
            raise np.linalg.LinAlgError("the matrix is not positive definite")
        return factor.T
    torch = import_module("torch")
    try:
        return torch.linalg.cholesky(matrix)
    except torch.linalg.LinAlgError as error:
        raise np.linalg.LinAlgError(str(error)) from None


def triangular_inverse(factor: Array) -> Array:
    """``L^{-1}``."""
    if is_tensor(factor):
        return namespace(factor).linalg.solve_triangular(factor, eye(factor), upper=False)
    with substituting():
        inverse, _ = scipy.linalg.lapack.dtrtri(factor.T, lower=0) if len(factor) else (factor, 0)
    return inverse.T


def cholesky_solve(factor: Array, rhs: Array) -> Array:
    """``(L L')^{-1} rhs`` for a vector (q,)."""
    if is_tensor(factor):
        return namespace(rhs).cholesky_solve(rhs[:, None], factor)[:, 0]
    with substituting():
        return scipy.linalg.cho_solve((factor.T, False), rhs, check_finite=False)


def substituting() -> AbstractContextManager[Any]:
    """Where scipy brings a BLAS of its own, its threads would wait busily on the cores that numpy's need: use one."""
    return _second_pool().limit(limits=1)


@cache
def _second_pool() -> ThreadpoolController:
    controller = ThreadpoolController()
    paths = [pool["filepath"] for pool in controller.info() if pool["user_api"] == "blas"]
    return controller.select(filepath=[path for path in paths if "scipy.libs" in Path(path).parts])
