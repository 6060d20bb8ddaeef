"""What training runs on: a processor, a GPU, or one of several processes."""

import datetime
import os
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import distributed as dist

from showtell.errors import BadRecipe


def choose_device(wanted: str) -> torch.device:
    """``auto`` takes a GPU where there is one, under ``torchrun`` each process its own; ``cpu`` takes none.

    Raises:
        BadRecipe: ``cuda`` is wanted, and PyTorch finds no GPU.
    """
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise BadRecipe("PyTorch finds no GPU here; leave out --device cuda, or install its build for CUDA")
    if wanted == "cpu" or not there:
        return torch.device("cpu")
    return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))


def described(device: torch.device) -> str:
    """A device in words."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    threads = torch.get_num_threads()
    return f"the processor ({threads} {'thread' if threads == 1 else 'threads'})"


def gains_from_bfloat16(device: torch.device) -> bool:
    """Whether half-width arithmetic is faster here: most GPUs since 2020, and processors with AMX or AVX512-BF16."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    return any(
        getattr(torch.cpu, probe, lambda: False)()
        for probe in ("_is_amx_tile_supported", "_is_avx512_bf16_supported")
    )


@contextmanager
def processes(device: torch.device) -> Iterator[bool]:
    """Join the other processes that ``torchrun`` started, if it did; yields whether this one is the first."""
    if "RANK" not in os.environ:
        yield True
        return
    backend = "gloo"
    if device.type == "cuda":
        torch.cuda.set_device(device)
        backend = "nccl"
    # The others wait while the first encodes pictures, which may take long.
    dist.init_process_group(backend, timeout=datetime.timedelta(hours=12))
    try:
        yield dist.get_rank() == 0
    finally:
        dist.destroy_process_group()


def wait() -> None:
    """Wait for the other processes of ``torchrun``, if there are any."""
    if dist.is_initialized():
        dist.barrier()
