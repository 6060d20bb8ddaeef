"""A PyTorch model as a Stepper over numpy arrays, so that training decodes with the same code as everyone."""

from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from showtell.decoding import State
from showtell.training.models import Captioner


class TorchStepper:
    """Wraps a model in evaluation mode; see ``showtell.decoding.Stepper``.

    Attributes:
        device: that the model is on.
    """

    def __init__(self, model: nn.Module):
        self._model = cast(Captioner, model.eval())
        self.device = next(model.parameters()).device
        self.fixed = self._model.fixed

    @torch.inference_mode()
    def begin(self, regions: NDArray[np.float32]) -> State:
        """Regions [B, R, D] -> the first state."""
        state = self._model.begin(torch.from_numpy(regions).to(self.device))
        return tuple(tensor.cpu().numpy() for tensor in state)

    @torch.inference_mode()
    def step(
        self, tokens: NDArray[np.int64], state: State
    ) -> tuple[NDArray[np.float32], NDArray[np.float32], State]:
        """Tokens [B, 1] and the state -> logits [B, V], attention [B, R], next state."""
        tensors = tuple(torch.from_numpy(array).to(self.device) for array in state)
        logits, attention, following = self._model.step(torch.from_numpy(tokens).to(self.device), tensors)
        kept = tuple(
            state[place] if place in self.fixed else tensor.cpu().numpy()
            for place, tensor in enumerate(following)
        )
        return logits[:, 0].float().cpu().numpy(), attention[:, 0].float().cpu().numpy(), kept
