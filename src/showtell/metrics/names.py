"""The metrics by name, however people write the names, each imported when it is asked for."""

import difflib
import importlib
from collections.abc import Sequence

from showtell.errors import ShowtellError
from showtell.metrics.base import Metric

# Each metric: where its class is, and its rows in a report.
_HOMES = {
    "BLEU": ("bleu:Bleu", ("BLEU-1", "BLEU-2", "BLEU-3", "BLEU-4")),
    "METEOR": ("meteor:Meteor", ("METEOR",)),
    "ROUGE-L": ("rouge:RougeL", ("ROUGE-L",)),
    "CIDEr": ("cider:Cider", ("CIDEr",)),
    "SPICE": ("spice:Spice", ("SPICE",)),
    "CIDEr-original": ("cider:OriginalCider", ("CIDEr-original",)),
}
METRICS = tuple(_HOMES)
WITHOUT_JAVA = ("BLEU", "ROUGE-L", "CIDEr")
WITH_JAVA = ("METEOR", "SPICE")
USUAL = ("BLEU", "METEOR", "ROUGE-L", "CIDEr", "SPICE")

_OTHER_NAMES = {"rouge": "ROUGE-L", "ciderd": "CIDEr", "cideroriginal": "CIDEr-original"}


def metric_class(name: str) -> type[Metric]:
    """The class of one of METRICS."""
    module, _, found = _HOMES[name][0].partition(":")
    metric: type[Metric] = getattr(importlib.import_module(f"showtell.metrics.{module}"), found)
    return metric


def chosen_metrics(names: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """The metrics to compute, each with the rows that are wanted, in the order asked for.

    Args:
        names: of metrics or of rows (``BLEU-4``), in any case, with hyphens, underscores or neither; ``all`` is
            USUAL.

    Raises:
        ShowtellError: no name, or one that is unknown.
    """
    known = {_plain(name): (name, rows) for name, (_, rows) in _HOMES.items()}
    known |= {
        _plain(row): (name, (row,)) for name, (_, rows) in _HOMES.items() for row in rows if len(rows) > 1
    }
    known |= {other: known[_plain(name)] for other, name in _OTHER_NAMES.items()}
    wanted: dict[str, tuple[str, ...]] = {}
    for name in filter(None, (name.strip() for name in names)):
        if _plain(name) == "all":
            entries = [(one, _HOMES[one][1]) for one in USUAL]
        elif _plain(name) in known:
            entries = [known[_plain(name)]]
        else:
            near = difflib.get_close_matches(_plain(name), known, 1)
            metric, rows = known[near[0]] if near else ("", ())
            hint = f"; did you mean {rows[0] if len(rows) == 1 else metric}?" if near else ""
            raise ShowtellError(
                f"there is no metric {name!r}; choose among {', '.join(METRICS)}, or all{hint}"
            )
        for metric, rows in entries:
            both = {*wanted.get(metric, ()), *rows}
            wanted[metric] = tuple(row for row in _HOMES[metric][1] if row in both)
    if not wanted:
        raise ShowtellError(f"no metric was named; choose among {', '.join(METRICS)}, or all")
    return wanted


def _plain(name: str) -> str:
    return name.lower().replace("-", "").replace("_", "").replace(" ", "")
