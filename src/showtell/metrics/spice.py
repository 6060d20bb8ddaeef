"""SPICE, computed by its own jar (extra ``coco``).

P. Anderson, B. Fernando, M. Johnson, S. Gould, *SPICE: Semantic Propositional Image Caption Evaluation*,
ECCV 2016. The jar parses captions with Stanford CoreNLP 3.6.0, whose models pycocoevalcap downloads apart.
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from showtell.metrics.base import Candidates, MeanMetric, References
from showtell.metrics.java import Unavailable, coco_folder, java, only_english
from showtell.metrics.ngrams import Floats

_MODELS = ("stanford-corenlp-3.6.0.jar", "stanford-corenlp-3.6.0-models.jar")


class Spice(MeanMetric):
    """The mean F-score of scene graphs; making one raises Unavailable where something is missing."""

    names: ClassVar[tuple[str, ...]] = ("SPICE",)

    def __init__(self, references: References | Mapping[str, Sequence[str]]) -> None:
        super().__init__(references)
        only_english("SPICE", self.references.language)
        self._java, self._folder = java(), coco_folder("spice")
        absent = [name for name in _MODELS if not (self._folder / "lib" / name).exists()]
        if absent:
            raise Unavailable(
                f"Stanford CoreNLP 3.6.0 ({' and '.join(absent)}) is not in {self._folder / 'lib'}; "
                "`python -m pycocoevalcap.spice.get_stanford_models` downloads it"
            )

    def statistics(self, candidates: Candidates) -> Floats:
        """One column: each candidate's F-score as a fraction."""
        references = candidates.references
        starts = references.starts.tolist()
        entries = [
            {
                "image_id": place,
                "test": sentence,
                "refs": references.sentences[starts[picture] : starts[picture + 1]],
            }
            for place, (sentence, picture) in enumerate(
                zip(candidates.sentences, candidates.picture.tolist(), strict=True)
            )
        ]
        found = {entry["image_id"]: entry["scores"]["All"]["f"] for entry in self._run(entries)}
        scores = np.array([found.get(place, np.nan) for place in range(len(entries))], np.float64)
        if np.isnan(scores).any():
            raise Unavailable(f"SPICE's program gave no number for {int(np.isnan(scores).sum())} captions")
        return scores.reshape(-1, 1)

    def settings(self, name: str) -> tuple[tuple[str, str], ...]:
        return (("jar", "1.0"),)

    def _run(self, entries: list[dict[str, object]]) -> list[dict[str, Any]]:
        import subprocess
        import tempfile

        with tempfile.TemporaryDirectory() as folder:
            given, answer = Path(folder) / "in.json", Path(folder) / "out.json"
            given.write_text(json.dumps(entries), encoding="utf-8")
            command = [self._java, "-jar", "-Xmx8G", "spice-1.0.jar", str(given), "-cache", folder]
            done = subprocess.run(
                [*command, "-out", str(answer), "-subset", "-silent"],
                cwd=self._folder,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                check=False,
            )
            if done.returncode or not answer.exists():
                last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:] or ["no message"]
                raise Unavailable(f"SPICE's program failed ({last[0].strip()}); it was made for Java 8")
            scores: list[dict[str, Any]] = json.loads(answer.read_text(encoding="utf-8"))
            return scores
