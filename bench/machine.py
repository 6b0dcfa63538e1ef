"""The machine: processor, libraries, memory of a process, and the rate of matrix products, flops a second."""

import datetime
import os
import platform
import resource
import sys
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
from threadpoolctl import threadpool_info


def dgemm_rate(size: int = 3000, repeats: int = 3) -> float:
    """``2 m^3 / seconds`` of a float64 matrix product of order m, median of some."""
    A = np.random.default_rng(0).standard_normal((size, size))
    seconds = []
    for _ in range(repeats):
        begin = time.perf_counter()
        A @ A
        seconds.append(time.perf_counter() - begin)
    return 2.0 * size**3 / float(np.median(seconds))


def peak_memory() -> int:
    """Largest resident memory of this process so far, in bytes.

    Linux keeps it for each address space; its ``ru_maxrss`` would count the process that started this one.
    """
    status = Path("/proc/self/status")
    if status.exists():
        lines = dict(line.split(":", 1) for line in status.read_text(encoding="utf-8").splitlines() if ":" in line)
        return 1024 * int(lines["VmHWM"].split()[0])
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def processor() -> str:
    """Model name of the processor."""
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def describe() -> dict[str, str]:
    """Name what a measurement depends on."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = {
        f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '?')}, {pool['num_threads']} threads)"
        for pool in threadpool_info()
        if pool["user_api"] == "blas"
    }
    return {
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "processor": f"{processor()}, {cores} cores",
        "BLAS": ", ".join(sorted(libraries)),
        "python": ", ".join(
            [platform.python_version(), *(f"{name} {version(name)}" for name in ("numpy", "scipy", "scikit-learn"))]
        ),
    }


def load() -> str:
    """Average number of running processes over the last minute: above the number of cores others were at work."""
    return f"{os.getloadavg()[0]:.1f}"
