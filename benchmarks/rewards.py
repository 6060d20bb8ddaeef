"""Which share of a self-critical step's time the reward takes.

    python benchmarks/rewards.py RUN [--reward cider] [--steps 40]

RUN is a finished run with its features and its corpus. It is tuned for so many steps into a temporary folder: sampling,
scoring, gradients and optimizer are real; the validation before them is not counted.
"""

import argparse
import contextlib
import tempfile
import time
from pathlib import Path
from typing import Any

from showtell.training.engine.rewards import Reward
from showtell.training.engine.self_critical import SelfCriticalLoss
from showtell.training.recipe import self_critical
from showtell.training.tune import tune

WARM_UP = 5  # steps that are not counted


class EnoughSteps(Exception):
    """So many steps were timed."""


class Clock:
    """When each step began, and how long rewards had taken by then."""

    def __init__(self, steps: int) -> None:
        self.steps = steps
        self.begun: list[tuple[float, float]] = []
        self.rewarding = 0.0

    def start(self) -> None:
        """Put it into the reward and the loss."""
        reward, loss = Reward.__call__, SelfCriticalLoss.__call__

        def timed_reward(*given: Any) -> Any:
            began = time.perf_counter()
            found = reward(*given)
            self.rewarding += time.perf_counter() - began
            return found

        def counted_loss(*given: Any) -> Any:
            self.begun.append((time.perf_counter(), self.rewarding))
            if len(self.begun) > WARM_UP + self.steps:
                raise EnoughSteps
            return loss(*given)

        Reward.__call__ = timed_reward  # type: ignore[assignment,method-assign]
        SelfCriticalLoss.__call__ = counted_loss  # type: ignore[assignment,method-assign]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("run", type=Path, metavar="RUN")
    parser.add_argument("--reward", default="cider")
    parser.add_argument("--steps", type=int, default=40)
    given = parser.parse_args()
    clock = Clock(given.steps)
    clock.start()
    with tempfile.TemporaryDirectory() as folder, contextlib.suppress(EnoughSteps):
        settings = self_critical([f"rewards.{given.reward}=1", "schedule.epochs=100"])
        tune(given.run, Path(folder) / "tuned", settings)
    (begun, rewarded), *_, (ended, all_rewarded) = clock.begun[WARM_UP:]
    steps = len(clock.begun) - WARM_UP - 1
    share = (all_rewarded - rewarded) / (ended - begun)
    print(f"{steps} steps, {(ended - begun) / steps:.2f} s each, {share:.1%} of it for {given.reward}")


if __name__ == "__main__":
    main()
