"""Training runs side by side: what their folders say, as one table and one picture."""

from showtell.training.runs.chart import draw_chart
from showtell.training.runs.reading import Evaluation, Run, read_run, read_runs
from showtell.training.runs.table import Table, tabulate

__all__ = ["Evaluation", "Run", "Table", "draw_chart", "read_run", "read_runs", "tabulate"]
