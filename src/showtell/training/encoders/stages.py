"""An encoder in two halves: early stages, whose maps are kept on disk, and late stages, which are trained.

The early stages of a network trained on ImageNet see edges and textures, which serve any task; they stay as they are,
so that an epoch over a corpus costs minutes on a CPU. An early map [B, C, H, H] is kept as its cells [B, R, C].

Axes: B pictures, R cells or regions, C channels of the early map, H its side, D width of a region.
"""

from typing import Self

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.training.encoders.efficientnet_lite import EfficientNetLite


class EarlyStages(nn.Module):
    """Pixels [B, 3, S, S] -> cells of the early map [B, R, C]."""

    def __init__(self, encoder: EfficientNetLite):
        super().__init__()
        self.name, self.preprocessing = f"{encoder.name}/early", encoder.preprocessing
        self.stem = encoder.stem
        self.blocks = encoder.early_blocks

    def forward(self, pixels: Tensor) -> Tensor:
        return self.blocks(self.stem(pixels)).flatten(2).transpose(1, 2)  # [B, R, C]


class LateStages(nn.Module):
    """Cells of the early map [B, R, C] -> regions [B, R', D].

    Batch normalisation keeps its ImageNet statistics: those of batches of 32 pictures are worse.

    Args:
        crop_scale: while training, the smallest side of a random crop of the maps, as a share of the whole.
    """

    def __init__(self, encoder: EfficientNetLite, *, crop_scale: float = 1.0):
        super().__init__()
        self.name, self.preprocessing = f"{encoder.name}/late", encoder.preprocessing
        self.side = encoder.early_side
        self.blocks = encoder.late_blocks
        self.head = encoder.head
        self.crop_scale = crop_scale
        for parameter in self.parameters():
            if parameter.ndim == 4:  # halves the time of a step on a CPU
                parameter.data = parameter.data.to(memory_format=torch.channels_last)

    def train(self, mode: bool = True) -> Self:
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def forward(self, cells: Tensor) -> Tensor:
        maps = cells.unflatten(1, (self.side, self.side)).permute(0, 3, 1, 2)  # [B, C, H, H], channels last
        if self.training and self.crop_scale < 1:
            maps = _random_crops(maps, self.crop_scale)
        # On a CPU, depthwise convolutions in bfloat16 take half as long again as in single precision.
        with torch.autocast("cpu", enabled=False):
            return self.head(self.blocks(maps)).flatten(2).transpose(1, 2)  # [B, R', D]


def _random_crops(maps: Tensor, smallest: float) -> Tensor:
    """A square crop of each map, of a random side and place, brought back to the map's size; [B, C, H, H]."""
    count = len(maps)
    side = torch.empty(count, device=maps.device).uniform_(smallest, 1.0)
    shift = (torch.rand(count, 2, device=maps.device) * 2 - 1) * (1 - side)[:, None]
    affine = torch.zeros(count, 2, 3, device=maps.device)
    affine[:, 0, 0] = affine[:, 1, 1] = side
    affine[:, :, 2] = shift
    grid = F.affine_grid(affine, list(maps.shape), align_corners=False)
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)
