"""The card that a bundle carries: what it was trained on, how good it is, where it fails."""

from collections.abc import Mapping, Sequence

from showtell.captioning.confidence import Reliability
from showtell.metrics import Report
from showtell.training.recipe import Recipe


def write_card(
    recipe: Recipe,
    report: Report,
    reliability: Sequence[Reliability],
    *,
    parity: Mapping[str, float],
    good: float,
) -> str:
    """The card as Markdown.

    Args:
        report: dev figures of the exported graphs.
        reliability: of the cross-validated confidence on dev.
        parity: differences between the graphs and PyTorch.
        good: the CIDEr, in percent, from which a caption counts as good.
    """
    return (
        "\n\n".join(
            (
                f"# {recipe.card.title}",
                recipe.description,
                f"## Data\n\n{recipe.card.data}",
                _figures(recipe, report),
                _confidence(reliability, good),
                f"## Where it fails\n\n{recipe.card.limits}",
                _making(recipe, parity),
            )
        )
        + "\n"
    )


def _figures(recipe: Recipe, report: Report) -> str:
    rows = [
        f"| {row.name} | {row.value:.1f} | {row.low:.1f} to {row.high:.1f} | `{row.signature}` |"
        for row in report.rows
        if row.value is not None
    ]
    table = "\n".join(("| metric | value | 95 % interval | signature |", "| --- | --- | --- | --- |", *rows))
    kind = str(recipe.used["data"]).partition(":")[0]
    return (
        f"## Figures\n\nDev split, {report.pictures} pictures, beam {recipe.decoding.beam}; dev also chose the best "
        f"pass, so the figures lean a little to the bright side. {report.hygiene.distinct:.0f} % of the captions are "
        f"distinct.\n\n{table}\n\nReprint them: `showtell evaluate BUNDLE --data {kind}:DIR --split dev`, where "
        "BUNDLE is this folder, or its name if it ships with Showtell."
    )


def _confidence(reliability: Sequence[Reliability], good: float) -> str:
    rows = [
        f"| {row.low:.1f} to {row.high:.1f} | {row.captions} | {row.confidence:.2f} | {row.good:.2f} |"
        for row in reliability
    ]
    table = "\n".join(
        ("| confidence | captions | mean | share that is good |", "| --- | --- | --- | --- |", *rows)
    )
    return (
        "## Confidence\n\nThe probability that a caption is good, which is to say that its CIDEr against people's "
        f"captions reaches {good:g}. A logistic regression on the beam's log-probabilities, agreement and length, "
        f"fitted on the dev split; the table is from ten-fold cross-validation.\n\n{table}"
    )


def _making(recipe: Recipe, parity: Mapping[str, float]) -> str:
    with_what = ("showtell", "torch", "numpy", "onnxruntime", "python", "revision")
    used = ", ".join(f"{name} {recipe.used[name]}" for name in with_what if name in recipe.used)
    return (
        f"## How it was made\n\n`showtell train {recipe.name} --data …`, then `showtell export`; the whole "
        f"recipe stands in `manifest.json`. Made with {used}. The graphs hold half-precision weights; their regions "
        f"differ from PyTorch's by {parity['regions']:.2g} of the standard deviation, their logits by at most "
        f"{parity['logits']:.2g}."
    )
