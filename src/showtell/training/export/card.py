"""The card that a bundle carries: what it was trained on, how good it is, where it fails."""

from collections.abc import Mapping, Sequence

from showtell.captioning.confidence import Reliability
from showtell.captioning.evaluate import Evaluation
from showtell.training.settings import Recipe

LANGUAGES = {"en": "English", "zh": "Chinese"}


def write_card(
    recipe: Recipe,
    evaluations: Sequence[Evaluation],
    reliability: Mapping[str, Sequence[Reliability]],
    *,
    parity: Mapping[str, float],
    good: float,
) -> str:
    """The card as Markdown.

    Args:
        evaluations: of the exported graphs, one for each dev set.
        reliability: of the cross-validated confidence on dev, by language.
        parity: differences between the graphs and PyTorch.
        good: the CIDEr, in percent, from which a caption counts as good.
    """
    return (
        "\n\n".join(
            (
                f"# {recipe.card.title}",
                recipe.description,
                f"## Data\n\n{recipe.card.data}",
                _figures(recipe, evaluations),
                _confidence(reliability, good),
                f"## Where it fails\n\n{recipe.card.limits}",
                _making(recipe, parity),
            )
        )
        + "\n"
    )


def _figures(recipe: Recipe, evaluations: Sequence[Evaluation]) -> str:
    tables = [_table(evaluation, alone=len(evaluations) == 1) for evaluation in evaluations]
    return (
        f"## Figures\n\nCaptions by people on dev splits, beam {recipe.decoding.beam}; dev also chose the best "
        "epoch, so the figures are slightly optimistic.\n\n" + "\n\n".join(tables)
    )


def _table(evaluation: Evaluation, *, alone: bool) -> str:
    """The figures of one dev set."""
    report, name = evaluation.report, str(evaluation.made_with["corpus"])
    rows = [
        f"| {row.name} | {row.value:.1f} | {row.low:.1f} to {row.high:.1f} | `{row.signature}` |"
        for row in report.rows
        if row.value is not None
    ]
    table = "\n".join(("| metric | value | 95 % interval | signature |", "| --- | --- | --- | --- |", *rows))
    title = "" if alone else f"### {name}, {LANGUAGES[evaluation.language]}\n\n"
    return (
        f"{title}{report.pictures:,} pictures; {report.hygiene.distinct:.0f} % of the captions are distinct.\n\n{table}"
        f"\n\nReprint them: `showtell evaluate BUNDLE --data SPEC --split dev --language {evaluation.language}`, where "
        f"BUNDLE is this folder, or its name if it ships with Showtell, and SPEC opens {name} alone."
    )


def _confidence(reliability: Mapping[str, Sequence[Reliability]], good: float) -> str:
    tables = []
    for language, bins in reliability.items():
        rows = [
            f"| {row.low:.1f} to {row.high:.1f} | {row.captions} | {row.confidence:.2f} | {row.good:.2f} |"
            for row in bins
        ]
        head = (
            f"| confidence ({LANGUAGES[language]}) | captions | mean | share that is good |",
            "| --- | --- | --- | --- |",
        )
        tables.append("\n".join((*head, *rows)))
    return (
        "## Confidence\n\nThe probability that a caption is good, which is to say that its CIDEr against people's "
        f"captions reaches {good:g}. A logistic regression on the beam's log-probabilities and agreement, the "
        "caption's length and, where there is an embedder, its similarity to the picture, fitted on the dev splits; "
        "the table is from ten-fold cross-validation.\n\n" + "\n\n".join(tables)
    )


def _making(recipe: Recipe, parity: Mapping[str, float]) -> str:
    with_what = ("showtell", "torch", "numpy", "onnxruntime", "python", "revision")
    used = ", ".join(f"{name} {recipe.used[name]}" for name in with_what if name in recipe.used)
    graphs = "The graphs hold half-precision weights"
    if recipe.export.precision == "int8":
        graphs += ", those of the encoder and of a step 8-bit integers"
    if recipe.export.mirrored:
        graphs += (
            f". Regions are the mean of the picture's and its mirror image's, which has a weight of "
            f"{recipe.export.mirrored:g}"
        )
    tuned = ", then `showtell tune`" if recipe.tuning else ""
    return (
        f"## How it was made\n\n`showtell train {recipe.name} --data …`{tuned}, then `showtell export`; the whole "
        f"recipe stands in `manifest.json`. Made with {used}. {graphs}. The "
        f"regions differ from PyTorch's by {parity['regions']:.2g} of the standard deviation, their logits by at most "
        f"{parity['logits']:.2g}."
    )
