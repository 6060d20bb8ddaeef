"""Training the encoder's late stages together with the captioner, through the caption loss.

To the loop it is a captioner like any other, whose regions are the cells of the early map: ``begin`` runs the late
stages first. The encoder learns at a rate of its own, since it begins with what it knows already.

Axes: B pictures, R cells of the early map, C channels of it.
"""

from typing import cast

from torch import Tensor, nn

from showtell.training.encoders.efficientnet_lite import EfficientNetLite
from showtell.training.encoders.stages import LateStages
from showtell.training.engine.loop import Group
from showtell.training.models import Captioner
from showtell.training.models.state import State
from showtell.training.settings import JointTraining, Schedule


class JointCaptioner(nn.Module):
    """An encoder's late stages and a captioner as one captioner."""

    def __init__(self, encoder: EfficientNetLite, captioner: nn.Module, *, crop_scale: float):
        super().__init__()
        self.late = LateStages(encoder, crop_scale=crop_scale)
        self.captioner = captioner
        model = cast(Captioner, captioner)
        self.state_names, self.fixed = model.state_names, model.fixed

    def begin(self, cells: Tensor) -> State:
        """Cells of the early map [B, R, C] -> the captioner's first state."""
        return cast(Captioner, self.captioner).begin(self.late(cells))

    def step(self, tokens: Tensor, state: State) -> tuple[Tensor, Tensor, State]:
        """As the captioner's."""
        return cast(Captioner, self.captioner).step(tokens, state)

    def groups(self, joint: JointTraining, schedule: Schedule) -> list[Group]:
        """How fast the two halves learn."""
        return [
            Group(list(self.captioner.parameters()), schedule.learning_rate, schedule.weight_decay),
            Group(list(self.late.parameters()), joint.learning_rate, joint.weight_decay),
        ]
