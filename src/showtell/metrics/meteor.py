"""METEOR 1.5, computed by its own jar (extra ``coco``).

M. Denkowski, A. Lavie, *Meteor Universal: Language Specific Translation Evaluation for Any Target Language*,
WMT 2014. The jar gives 23 statistics for each caption, and turns sums of them into scores; a set's score, a
picture's and a resample's are all asked of it.
"""

import re
import threading
import weakref
from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, ClassVar

import numpy as np

from showtell.metrics.base import Candidates, Metric, References
from showtell.metrics.java import Unavailable, coco_folder, java, only_english
from showtell.metrics.ngrams import Floats

if TYPE_CHECKING:
    import subprocess

STATISTICS = 23
CHUNKS = 20  # which of them counts the runs of words that match in order


class Meteor(Metric):
    """METEOR 1.5 for English; making one raises Unavailable where Java or the jar is missing."""

    names: ClassVar[tuple[str, ...]] = ("METEOR",)

    def __init__(self, references: References | Mapping[str, Sequence[str]]) -> None:
        super().__init__(references)
        only_english("METEOR", self.references.language)
        self._jar = _Jar()

    def statistics(self, candidates: Candidates) -> Floats:
        """The jar's own statistics: [C, 23]."""
        references = candidates.references
        starts = references.starts.tolist()
        lines = (
            " ||| ".join(
                [
                    "SCORE",
                    *map(_field, references.sentences[starts[picture] : starts[picture + 1]]),
                    _field(sentence),
                ]
            )
            for sentence, picture in zip(candidates.sentences, candidates.picture.tolist(), strict=True)
        )
        answers = self._jar.ask(lines, len(candidates.sentences))
        rows = np.array([answer.split() for answer in answers], np.float64).reshape(-1, STATISTICS)
        # In a sum, the jar counts no chunk for a caption that is its reference, word for word.
        lengths_and_matches = rows[:, [0, 1, 21, 22]]
        perfect = (rows[:, CHUNKS] == 1) & (lengths_and_matches == rows[:, :1]).all(axis=1)
        rows[perfect, CHUNKS] = 0
        return rows

    def combine(self, sums: Floats, captions: int) -> Floats:
        flat = sums.reshape(-1, STATISTICS)
        if not len(flat):
            return np.zeros((*sums.shape[:-1], 1))
        segments = (" ".join(f"{value:.1f}" for value in row) for row in flat)
        line = " ||| ".join(["EVAL", *segments])
        answers = self._jar.ask([line], len(flat) + 1)[:-1]  # the last is the score of all rows together
        return np.array(answers, np.float64).reshape(*sums.shape[:-1], 1)

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        return (("jar", "1.5"), ("norm", "yes"))


class _Jar:
    """The running program: lines in, lines out."""

    def __init__(self) -> None:
        import subprocess

        folder = coco_folder("meteor")
        if not (folder / "meteor-1.5.jar").exists():
            raise Unavailable(f"{folder} holds no meteor-1.5.jar; install pycocoevalcap again")
        command = [java(), "-Dfile.encoding=UTF-8", "-jar", "-Xmx2G", "meteor-1.5.jar"]
        self._process = subprocess.Popen(
            [*command, "-", "-", "-stdio", "-l", "en", "-norm"],
            cwd=folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            encoding="utf-8",
            errors="replace",
        )
        weakref.finalize(self, _end, self._process)

    def ask(self, lines: Iterable[str], answers: int) -> list[str]:
        """Send lines and read so many; Unavailable where the program ended before."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        # Written beside reading: the pipes hold less than a corpus.
        writer = threading.Thread(target=_write, args=(stdin, lines), daemon=True)
        writer.start()
        found = [stdout.readline() for _ in range(answers)]
        writer.join()
        if not all(found):
            raise Unavailable("METEOR's program ended too early; it needs 2 GB of memory")
        return found


def _write(stdin: IO[str], lines: Iterable[str]) -> None:
    try:
        for line in lines:
            stdin.write(line + "\n")
        stdin.flush()
    except BrokenPipeError:
        pass  # the reader says so


def _end(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def _field(sentence: str) -> str:
    """A sentence as a field of the protocol, as pycocoevalcap writes the candidates'; Java ends lines at \\r too."""
    return re.sub(r"[\r\n]", " ", sentence.replace("|||", "")).replace("  ", " ")
