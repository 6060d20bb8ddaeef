"""What decoding itself costs, apart from the network: pictures per second over a toy captioner in numpy.

    python benchmarks/decoding.py [--vocabulary 3000] [--batch 32] [--repeat 10]

The toy looks its logits up in a table and ends after ten words or so; the large tensor in its state stands
for a real captioner's keys and values. The time that the toy takes is left out; processor time is counted, on
one thread.
"""

import argparse
import time

import numpy as np

from showtell.decoding import DecodingOptions, SpecialIds, decode

IDS = SpecialIds(pad=0, unknown=1, end=2, start=3)
WAYS = {
    "greedy": DecodingOptions(beam=1),
    "beam 3": DecodingOptions(beam=3, candidates=3),
    "beam 5": DecodingOptions(beam=5, candidates=5),
    "beam 5, no 3 words twice": DecodingOptions(beam=5, candidates=5, no_repeat_ngram=3),
    "beam 10": DecodingOptions(beam=10, candidates=10),
    "5 samples": DecodingOptions(temperature=1.0, candidates=5),
    "5 samples, top-k 50": DecodingOptions(top_k=50, candidates=5),
    "5 samples, top-p 0.9": DecodingOptions(top_p=0.9, candidates=5),
}


class Toy:
    """Logits that follow from the last word; the end grows likelier with every word."""

    fixed = frozenset({0})

    def __init__(self, vocabulary: int) -> None:
        chance = np.random.default_rng(0)
        self.table = chance.normal(size=(vocabulary, vocabulary)).astype(np.float32) * 2.5
        self.seconds = 0.0
        self.steps = 0

    def begin(self, regions):
        return regions, np.zeros((len(regions), 512), np.float32)

    def step(self, tokens, state):
        began = time.process_time()
        keys, memory = state
        logits = self.table[tokens[:, 0]]
        logits[:, IDS.end] = memory[:, 0] - 2
        attention = keys[:, :, 0]
        self.seconds += time.process_time() - began
        self.steps += 1
        return logits, attention, (keys, memory + 1)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vocabulary", type=int, default=3000)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--repeat", type=int, default=10)
    options = parser.parse_args()
    regions = np.random.default_rng(1).normal(size=(options.batch, 49, 512)).astype(np.float32)
    for name, way in WAYS.items():
        decode(Toy(options.vocabulary), regions, IDS, way)
        seconds, words, steps = [], 0, 0
        for _ in range(options.repeat):
            toy = Toy(options.vocabulary)
            began = time.process_time()
            found = decode(toy, regions, IDS, way)
            seconds.append(time.process_time() - began - toy.seconds)
            steps = toy.steps
            words = np.mean([len(one.tokens) for picture in found for one in picture])
        best = min(seconds)
        hypotheses = sum(map(len, found)) / best
        print(
            f"{name:26} {options.batch / best:7.0f} pictures/s {hypotheses:7.0f} hypotheses/s"
            f" {1000 * best / steps:6.2f} ms a step, {steps} steps, {words:.1f} words"
        )


if __name__ == "__main__":
    main()
