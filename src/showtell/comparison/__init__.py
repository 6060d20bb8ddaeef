"""Training runs side by side: what their folders say, as one table and one picture."""

from showtell.comparison.chart import draw_chart
from showtell.comparison.runs import Evaluation, Run, read_run, read_runs
from showtell.comparison.table import Table, tabulate

__all__ = ["Evaluation", "Run", "Table", "draw_chart", "read_run", "read_runs", "tabulate"]
