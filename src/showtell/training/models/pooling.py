"""What models that see the mean of the regions have to say about where they looked."""

import torch
from torch import Tensor


def everywhere(tokens: Tensor, regions: int) -> Tensor:
    """Uniform attention: tokens [B, T] -> 1 / R in each of [B, T, R]."""
    alike = torch.full_like(tokens, 1 / regions, dtype=torch.float32)  # [B, T]
    return alike[..., None].expand(-1, -1, regions)
