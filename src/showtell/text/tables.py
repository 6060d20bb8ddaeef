"""Rows of cells -> a table for a terminal, for Markdown or for LaTeX; the first row is the header."""

from collections.abc import Sequence

__all__ = ["aligned", "latex", "markdown", "underlined"]

Rows = Sequence[Sequence[str]]

_LATEX = str.maketrans(
    {letter: f"\\{letter}" for letter in "&%$#_{}"}
    | {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--"}
)


def aligned(rows: Rows, right: Sequence[bool]) -> list[str]:
    """Lines whose columns are set apart by two spaces.

    Args:
        rows: as many cells each as there are columns.
        right: for each column, whether its cells stand to the right, as numbers do.
    """
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if to_the_right else cell.ljust(width)
            for cell, width, to_the_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in rows
    ]


def underlined(rows: Rows, right: Sequence[bool]) -> list[str]:
    """As `aligned`, with a rule under the header."""
    widths = [max(map(len, cells)) for cells in zip(*rows, strict=True)]
    return aligned([rows[0], ["-" * width for width in widths], *rows[1:]], right)


def markdown(rows: Rows, right: Sequence[bool]) -> str:
    """A table of GitHub's Markdown, without a line end."""
    head, *others = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    rule = ["---:" if to_the_right else "---" for to_the_right in right]
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, rule, *others))


def latex(rows: Rows, right: Sequence[bool]) -> str:
    """A ``tabular``, which needs no package, without a line end."""
    head, *others = [" & ".join(cell.translate(_LATEX) for cell in row) + r" \\" for row in rows]
    opening = rf"\begin{{tabular}}{{{''.join('r' if to_the_right else 'l' for to_the_right in right)}}}"
    return "\n".join([opening, r"\hline", head, r"\hline", *others, r"\hline", r"\end{tabular}"])
