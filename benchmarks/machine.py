"""What the figures were measured on."""

import json
import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from timeit import repeat

from .measure import ROOT, environment

PACKAGES = [
    "napari-kmeans-seg",
    "numpy",
    "scipy",
    "scikit-image",
    "scikit-learn",
    "opencv-python-headless",
    "faiss-cpu",
    "SimpleITK",
    "kmeans1d",
]


def machine() -> str:
    """One paragraph on processor, memory and system."""
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return (
        f"{_processor()}, {_cores()} cores, {pages / 2**30:.0f} GB of memory, "
        f"{platform.system()} {platform.machine()}."
    )


def versions() -> str:
    """One paragraph on Python and the libraries."""
    found = [f"Python {platform.python_version()}"]
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    return ", ".join(found) + "."


def blas() -> str:
    """What NumPy's BLAS says of itself, in a process like the ones that are measured."""
    command = [sys.executable, "-m", "benchmarks.machine"]
    done = subprocess.run(command, cwd=ROOT, env=environment(), capture_output=True, check=True)
    return done.stdout.decode().strip()


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or "unknown processor"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _print_blas() -> None:
    # Only NumPy is imported here, so that only its BLAS is found.
    import numpy as np
    from threadpoolctl import threadpool_info

    build = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    loaded = [
        f"{library['internal_api']} {library['version']}, {library.get('architecture')} kernels, "
        f"{library['num_threads']} threads ({library.get('threading_layer')})"
        for library in threadpool_info()
        if library["user_api"] == "blas"
    ]
    settings = {name: value for name, value in os.environ.items() if "NUM_THREADS" in name}
    print(
        f"built with {build['name']} {build['version']}; loaded: {'; '.join(loaded) or 'none'}; "
        f"environment: {json.dumps(settings) if settings else 'no thread settings'}."
    )
    values = np.random.default_rng(0).integers(1 << 32, size=1 << 20, dtype=np.uint32)
    seconds = min(repeat(lambda: np.sort(values), number=1, repeat=5))
    print(f"- NumPy sorts a 32-bit number in {1e9 * seconds / values.size:.0f} ns, of a million.")


if __name__ == "__main__":
    _print_blas()
