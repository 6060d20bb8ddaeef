"""Record pycocoevalcap's scores of the made-up pairs: ``python tests/parity/record_coco.py``.

Kept for each picture, in the order of the pairs, and for the whole set.
"""

from pathlib import Path

import numpy as np

GOLDEN = Path(__file__).parent / "coco_golden.npz"


def their_scores(candidates: dict[str, str], references: dict[str, list[str]]) -> dict[str, np.ndarray]:
    """By metric: the set's scores, then the pictures' own."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.rouge.rouge import Rouge

    res = {name: [caption] for name, caption in candidates.items()}
    bleu, bleu_each = Bleu(4).compute_score(references, res, verbose=0)
    rouge, rouge_each = Rouge().compute_score(references, res)
    cider, cider_each = Cider().compute_score(references, res)
    return {
        "BLEU": np.vstack([np.array(bleu)[None, :], np.array(bleu_each).T]),
        "ROUGE-L": np.concatenate([[rouge], rouge_each])[:, None],
        "CIDEr": np.concatenate([[cider], cider_each])[:, None],
    }


if __name__ == "__main__":
    from made_up_pairs import checksum, pairs

    found = pairs()
    np.savez_compressed(GOLDEN, checksum=np.array(checksum(*found)), **their_scores(*found))
