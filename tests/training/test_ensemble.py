"""Members speak as one."""

import torch

from showtell.training.models import build_model
from showtell.training.models.ensemble import Ensemble

SMALL = {"vocabulary": 20, "regions": 4, "region_width": 6}


def members() -> list[torch.nn.Module]:
    torch.manual_seed(2)
    names = ("two_lstm", "transformer")
    return [build_model(name, **SMALL, settings={"width": 16, "heads": 2}).eval() for name in names]


def test_their_probabilities_are_averaged() -> None:
    both = members()
    together = Ensemble(both).eval()
    regions, tokens = torch.randn(3, 4, 6), torch.randint(20, (3, 5))
    with torch.inference_mode():
        logits, attention, _ = together.step(tokens, together.begin(regions))
        apart = [member.step(tokens, member.begin(regions)) for member in both]
    mean = torch.stack([one.softmax(dim=-1) for one, _, _ in apart]).mean(dim=0)
    torch.testing.assert_close(logits.exp(), mean)
    torch.testing.assert_close(attention, (apart[0][1] + apart[1][1]) / 2)


def test_their_states_stand_one_after_the_other_and_fixed_ones_stay() -> None:
    together = Ensemble(members()).eval()
    with torch.inference_mode():
        first = together.begin(torch.randn(3, 4, 6))
        _, _, second = together.step(torch.zeros(3, 1, dtype=torch.long), first)
    assert len(first) == len(second) == len(together.state_names) == len(set(together.state_names))
    for place, (before, after) in enumerate(zip(first, second, strict=True)):
        assert (before is after) == (place in together.fixed)
