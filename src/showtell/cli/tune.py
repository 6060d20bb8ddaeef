"""``showtell tune``: a trained captioner learns from a reward."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from showtell.cli.console import ON_STDERR
from showtell.cli.training import Device, reach
from showtell.errors import ShowtellError

__all__ = ["tune"]

Reward = Annotated[
    str,
    typer.Option(
        metavar="REWARD",
        help="What captions are rewarded for: cider, bleu4, rouge, feedback (people's feedback on captions), or "
        "several with weights, cider:1,bleu4:0.5.",
    ),
]
Feedback = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="People's feedback: a file of it or an export of one; your own unless given.",
    ),
]
Pictures = Annotated[
    list[Path] | None,
    typer.Option(
        metavar="PATH",
        help="Judged pictures, or a folder of them, besides the run's corpus; may be repeated.",
    ),
]


def tune(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a trained run.")],
    output: Annotated[
        Path, typer.Option(metavar="RUN2", help="The folder of the tuned run; one that exists is continued.")
    ],
    reward: Reward = "cider",
    language: Annotated[
        list[str] | None,
        typer.Option(metavar="LANGUAGE", help="Reward only captions in this language; may be repeated."),
    ] = None,
    baseline: Annotated[
        Literal["mean", "greedy"],
        typer.Option(
            help="What a sample is compared with: its picture's other samples, or the greedy caption."
        ),
    ] = "mean",
    no_eos_reward: Annotated[
        bool,
        typer.Option(
            "--no-eos-reward",
            help="Leave the end token out of the reward; captions then end badly.",
        ),
    ] = False,
    feedback: Feedback = None,
    pictures: Pictures = None,
    device: Annotated[Device, typer.Option(help="What to train on.")] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="A setting of the tuning, for instance schedule.epochs=2 or samples=8; may be repeated.",
        ),
    ] = None,
) -> None:
    """Tune a captioner by a reward, or by people's feedback.

    Rewards are metrics of captions that it samples (self-critical sequence training). The best epoch replaces the
    start only if it is better with the beam that ships and nothing else is clearly worse. Stopped, the same command
    continues.
    """
    weights = _weights(reward)
    if "feedback" not in weights and (feedback or pictures):
        raise ShowtellError(
            "--feedback and --pictures belong to --reward feedback; add it, for instance --reward cider,feedback"
        )
    changes = [f'baseline="{baseline}"', f"end_token={str(not no_eos_reward).lower()}"]
    changes += [f"rewards.{name}={weight}" for name, weight in weights.items()]
    if language:
        changes.append(f"languages={list(language)}")
    with reach("tune", "recipe") as (training, recipes):
        training.tune(
            run,
            output,
            recipes.self_critical([*changes, *(settings or [])]),
            feedback=feedback,
            pictures=pictures or (),
            device=device,
            progress=ON_STDERR,
        )


def _weights(reward: str) -> dict[str, float]:
    """``cider:1,bleu4:0.5`` -> weights by name; a name alone has the weight 1."""
    weights = {}
    for part in reward.split(","):
        name, _, weight = part.strip().lower().replace("-", "").partition(":")
        try:
            weights[name] = float(weight or 1)
        except ValueError:
            raise ShowtellError(
                f"--reward {reward}: {weight!r} is not a number; write for instance cider:1,bleu4:0.5"
            ) from None
    return weights
