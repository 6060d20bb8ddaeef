"""VGG16: the network whose features the first neural captioners looked at.

K. Simonyan, A. Zisserman, *Very Deep Convolutional Networks for Large-Scale Image Recognition*, ICLR 2015,
configuration D: five blocks of 3 × 3 convolutions, each block ending in a 2 × 2 pooling, then fully connected
layers. The last of these, which names one of ImageNet's classes, is left out: its inputs are the features.
Weights come from ``vgg16_weights.load_vgg16``.

Axes: B pictures, C channels, R regions, D width of a region.
"""

from dataclasses import dataclass
from typing import Literal

from torch import Tensor, nn

from showtell.images import Preprocessing, Resample

SIZE = 224
SIDE = SIZE // 32  # of the last map: five poolings, each of which halves it

Output = Literal["fc2", "map"]
Origin = Literal["keras", "torchvision"]


@dataclass(frozen=True, slots=True)
class Plan:
    """The channels of each block's convolutions, and the width of the fully connected layers."""

    blocks: tuple[tuple[int, ...], ...]
    hidden: int


PLAN = Plan(
    blocks=((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)),
    hidden=4096,
)


class VGG16(nn.Module):
    """VGG16 without its classification layer.

    The weights are named and laid out as torchvision's, so that its state dict fits as it is.

    Args:
        output: ``fc2``, the outputs of the second fully connected layer after its ReLU, as one region
            [B, 1, 4096]; or ``map``, the last convolutional map, as regions [B, 49, 512] row by row from
            the top left, for attention. The fully connected layers are not built for ``map``.
        resample: how pictures are resized; older scripts use ``nearest``.
        origin: whose weights will be loaded. Keras's were trained on BGR minus a mean (as Caffe's were),
            torchvision's on normalised RGB; fed the other's pixels, a network sees badly and does not say so.
        plan: other widths, for tests.
    """

    def __init__(
        self,
        *,
        output: Output = "fc2",
        resample: Resample = "bilinear",
        origin: Origin = "keras",
        plan: Plan = PLAN,
    ):
        super().__init__()
        self.name = "vgg16" if output == "fc2" else "vgg16-map"
        self.preprocessing = preprocessing(origin, resample)
        self.features = convolutions(plan)
        channels = plan.blocks[-1][-1]
        if output == "fc2":
            self.regions, self.width = 1, plan.hidden
            self.classifier: nn.Sequential | None = nn.Sequential(
                nn.Linear(channels * SIDE * SIDE, plan.hidden),
                nn.ReLU(),
                nn.Dropout(),
                nn.Linear(plan.hidden, plan.hidden),
                nn.ReLU(),
            )
        else:
            self.regions, self.width = SIDE * SIDE, channels
            self.classifier = None

    def forward(self, pixels: Tensor) -> Tensor:
        """Pixels [B, 3, 224, 224] -> regions [B, R, D]."""
        maps = self.features(pixels)  # [B, C, 7, 7]
        if self.classifier is None:
            return maps.flatten(2).transpose(1, 2)  # [B, 49, C]
        return self.classifier(maps.flatten(1)).unsqueeze(1)  # [B, 1, 4096]


def convolutions(plan: Plan) -> nn.Sequential:
    """The five blocks: pixels [B, 3, 224, 224] -> maps [B, C, 7, 7]."""
    layers: list[nn.Module] = []
    inputs = 3
    for block in plan.blocks:
        for channels in block:
            layers += [nn.Conv2d(inputs, channels, kernel_size=3, padding=1), nn.ReLU()]
            inputs = channels
        layers.append(nn.MaxPool2d(kernel_size=2))
    return nn.Sequential(*layers)


def preprocessing(origin: Origin, resample: Resample) -> Preprocessing:
    """What the pictures went through when the weights were trained."""
    if origin == "keras":
        return Preprocessing(
            size=SIZE, resample=resample, channels="bgr", mean=(103.939, 116.779, 123.68), std=(1.0, 1.0, 1.0)
        )
    # torchvision's mean and deviation are published for values from 0 to 1.
    return Preprocessing(
        size=SIZE,
        resample=resample,
        channels="rgb",
        mean=(0.485 * 255, 0.456 * 255, 0.406 * 255),
        std=(0.229 * 255, 0.224 * 255, 0.225 * 255),
    )
