"""What a run is computed on: torch made repeatable on a device, and frugal with memory."""

import contextlib
import ctypes
import functools
import gc
import os
import platform
import resource
import sys
from collections.abc import Iterator
from typing import Any

import pyarrow
import torch

from settling.errors import BadInput, choices

# oneDNN and its wrapper in torch keep each a thousand kernels, one for each shape, though batches seldom share one.
KERNEL_CACHES = ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY")
KEPT_KERNELS = "16"
# glibc's M_MMAP_THRESHOLD (malloc.h), and what it is set to. Left alone, it grows to 32 MiB, and tensors of many sizes
# leave gaps between them that are never given back.
MMAP_THRESHOLD, MMAP_BYTES = -3, 4 * 2**20
# And M_TRIM_THRESHOLD: with less, each step gives memory back that the next one takes again, and the system clears.
TRIM_THRESHOLD, TRIM_BYTES = -1, 256 * 2**20


def set_up(device: str, threads: int) -> torch.device:
    """Choose the device (`auto`: CUDA, then MPS, then CPU) and make torch repeatable on it.

    Raises BadInput for a device that is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if device == "auto":
        device = next(name for name, there in available.items() if there)
    elif not available.get(device.split(":")[0], False):
        usable = [name for name, there in available.items() if there]
        raise BadInput(f"--device: {device!r} is not available here; {choices(device, ['auto', *usable])}")
    keep_memory_flat()
    torch.set_num_threads(threads)
    # cuBLAS is repeatable only with a fixed workspace, and reads this when it starts.
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.use_deterministic_algorithms(True, warn_only=True)
    # Convolutions and LSTMs would round to TF32 on a GPU, whatever the recipe says of precision.
    torch.backends.cudnn.allow_tf32 = False
    # No kernel here reads memory that it has not written, so none needs filling first.
    torch.utils.deterministic.fill_uninitialized_memory = False  # type: ignore[attr-defined]
    return torch.device(device)


def keep_memory_flat() -> None:
    """Bound what oneDNN and glibc keep; without it, memory grows with each new shape of a batch.

    To be called before the first matrix product. A user's own setting of a cache stays.
    """
    for name in KERNEL_CACHES:
        os.environ.setdefault(name, KEPT_KERNELS)
    if library := glibc():
        library.mallopt(MMAP_THRESHOLD, MMAP_BYTES)
        library.mallopt(TRIM_THRESHOLD, TRIM_BYTES)


def give_memory_back() -> None:
    """Give the system what Python, Arrow and glibc hold of objects that are gone; it takes some milliseconds."""
    gc.collect()
    pyarrow.default_memory_pool().release_unused()
    if library := glibc():
        library.malloc_trim(0)


@contextlib.contextmanager
def unseen(package: str) -> Iterator[None]:
    """Have what is imported meanwhile do without a package that it could use, unless the package is there already."""
    if package in sys.modules:
        yield
        return
    # So Python marks what cannot be imported (The Python Language Reference, 5.3.1).
    sys.modules[package] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[package]


@functools.cache
def glibc() -> ctypes.CDLL | None:
    """Return the C library of this process if it is glibc, whose malloc has settings of its own."""
    return ctypes.CDLL(None) if platform.libc_ver()[0] == "glibc" else None


def peak_memory(device: torch.device) -> dict[str, int]:
    """Return the most memory that this process has had so far, in MB: `resident`, and `gpu` where there is one."""
    # Linux counts in kB, macOS in bytes.
    unit = 1 if sys.platform == "darwin" else 1024
    peak = {"resident": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit // 10**6}
    if device.type == "cuda":
        peak["gpu"] = torch.cuda.max_memory_allocated(device) // 10**6
    return peak


def machine(device: torch.device, threads: int) -> dict[str, Any]:
    """Return what the run ran on, as bytes are promised only on one kind of machine."""
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else platform.processor()
    return {
        "device": str(device),
        "name": name or platform.machine(),
        "threads": threads,
        "system": platform.platform(),
        "python": platform.python_version(),
        "torch": torch.__version__,
    }
