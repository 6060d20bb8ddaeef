"""Training runs side by side: what their folders say, as one table and one picture."""

from showtell.training.runs.curves import draw_curves
from showtell.training.runs.reading import RunSummary, read_run, read_runs
from showtell.training.runs.table import Table, tabulate

__all__ = ["RunSummary", "Table", "draw_curves", "read_run", "read_runs", "tabulate"]
