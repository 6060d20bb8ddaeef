"""Captions of more pictures than one machine is for: Ray Data hands chunks of paths to captioners, one per core.

::

    paths ──> chunks ──> a captioner per core ──> OUTPUT/part-DIGEST.parquet

A chunk's file appears whole or not at all, and is named after its paths. So a worker that dies costs its chunk, which
Ray gives to another; and a second start captions what no file has yet. Workers must see pictures and output under the
same paths: one machine, or storage that all of them have mounted.
"""

import hashlib
import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from showtell.errors import MissingExtra, ShowtellError, reason_of
from showtell.files import written_whole

__all__ = ["CHUNK", "Counts", "caption_with_ray", "paths_done"]

CHUNK = 128
"""Pictures that a worker captions before it writes them down: what a worker that dies can lose."""

_COLUMNS = ("path", "caption", "language", "confidence", "error")


@dataclass(frozen=True, slots=True)
class Counts:
    """Pictures of a chunk.

    Attributes:
        captioned: with a caption.
        failed: with an error in its place.
    """

    captioned: int
    failed: int


def caption_with_ray(
    pictures: Sequence[str],
    output: Path,
    *,
    model: str,
    options: Mapping[str, Any],
    address: str | None = None,
    workers: int | None = None,
) -> Iterator[Counts]:
    """Caption pictures into a folder of Parquet files; what the folder has already is not done again.

    Args:
        pictures: paths, as every worker sees them.
        output: the folder.
        model: as `showtell.load` takes it.
        options: see `showtell.captioning.options.Options`.
        address: of a cluster that runs already; this machine alone unless given.
        workers: captioners, each with a core; one per core of the cluster unless given.

    Yields:
        Counts of each chunk, as it is written.

    Raises:
        MissingExtra: Ray is not installed.
        ShowtellError: the folder cannot be used, or the cluster cannot be reached.
    """
    try:
        import ray
        import ray.data
    except ImportError:
        raise MissingExtra("--engine ray needs Ray; install it with: pip install 'showtell[scale]'") from None
    done = paths_done(output)
    waiting = [path for path in dict.fromkeys(pictures) if path not in done]
    if not waiting:
        return
    output.mkdir(parents=True, exist_ok=True)
    _start(ray, address)
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    for name in ("ray", "ray.data"):
        logging.getLogger(name).setLevel(logging.ERROR)
    context.max_errored_blocks = 0
    count = workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
    chunks = [waiting[start : start + CHUNK] for start in range(0, len(waiting), CHUNK)]
    counted = ray.data.from_items(
        [{"paths": chunk} for chunk in chunks], override_num_blocks=len(chunks)
    ).map(
        _Worker,
        fn_constructor_kwargs={"model": model, "options": dict(options), "output": str(output.resolve())},
        compute=ray.data.ActorPoolStrategy(size=min(count, len(chunks))),
        num_cpus=1,
    )
    try:
        for row in counted.iter_rows():
            yield Counts(row["captioned"], row["failed"])
    finally:
        ray.shutdown()


def _start(ray: Any, address: str | None) -> None:
    """Reach the cluster, or begin one on this machine that tells nobody and shows nothing."""
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    # Workers find what this process finds, wherever it was started.
    paths = os.environ.get("PYTHONPATH")
    environment = {"env_vars": {"PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}} if paths else {}
    try:
        ray.init(
            address=address,
            logging_level="ERROR",
            log_to_driver=False,
            include_dashboard=None if address else False,
            runtime_env=environment,
            ignore_reinit_error=True,
        )
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = reason_of(error)
        raise ShowtellError(f"{address or 'Ray'}: the cluster cannot be reached ({reason})") from error


class _Worker:
    """A captioner in a process of its own."""

    def __init__(self, model: str, options: dict[str, Any], output: str) -> None:
        from showtell.captioning.hub import load

        self._captioner = load(model, threads=1)
        self._options: Any = options
        self._output = Path(output)

    def __call__(self, row: dict[str, Any]) -> dict[str, int]:
        """Caption a chunk, write it down, and count."""
        paths = [str(path) for path in row["paths"]]
        rows = []
        for result in self._captioner.caption_many(paths, **self._options):
            caption = result.caption
            columns = (
                (None, None, None)
                if caption is None
                else (caption.text, caption.language, caption.confidence)
            )
            rows.append(dict(zip(_COLUMNS, (str(result.path), *columns, result.error), strict=True)))
        _write_part(self._output, paths, rows)
        failed = sum(one["error"] is not None for one in rows)
        return {"captioned": len(paths) - failed, "failed": failed}


def _write_part(folder: Path, paths: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
    """Write a chunk's file, whole or not at all."""
    import pyarrow
    import pyarrow.parquet

    kinds = {name: pyarrow.float32() if name == "confidence" else pyarrow.string() for name in _COLUMNS}
    columns = {name: [row[name] for row in rows] for name in _COLUMNS}
    # Parquet holds Unicode alone, and a file's name may be other bytes.
    columns["path"] = [path.encode("utf-8", "backslashreplace").decode() for path in columns["path"]]
    table = pyarrow.table(columns, schema=pyarrow.schema(list(kinds.items())))
    digest = hashlib.sha256("\0".join(paths).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    with written_whole(folder / f"part-{digest}.parquet") as part:
        pyarrow.parquet.write_table(table, part)


def paths_done(folder: Path) -> set[str]:
    """The pictures that a folder of Parquet files has rows of.

    Raises:
        ShowtellError: it is no folder, or one of its files cannot be read.
    """
    if not folder.exists():
        return set()
    if not folder.is_dir():
        raise ShowtellError(f"{folder}: is a file, but --engine ray writes a folder of Parquet files")
    import pyarrow
    import pyarrow.parquet

    done: set[str] = set()
    for file in sorted(folder.glob("part-*.parquet")):
        try:
            done.update(pyarrow.parquet.read_table(file, columns=["path"])["path"].to_pylist())
        except (OSError, KeyError, pyarrow.ArrowException) as error:
            raise ShowtellError(f"{file}: cannot be read ({reason_of(error)})") from error
    return done
