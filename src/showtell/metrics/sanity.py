"""Warnings about known mistakes: numbers that are right, of captions that are not what was meant.

Each has been made in published code: characters scored as words (one constant caption then gets a BLEU-4 of
50), ``startseq`` left in, a caption scored against itself (BLEU 100).
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from showtell.metrics.base import Candidates, References, some

IDENTICAL = 0.1  # share of pictures whose candidate may be one of its references
SAME = 0.5  # share of pictures that may have one and the same caption
FEW_PICTURES = 100  # fewer are too few for document frequencies
_ENOUGH = 10  # pictures, before a share says anything

_CHINESE = re.compile(r"[\u4e00-\u9fff]")
_MARKERS = re.compile(
    r"(?<!\w)(?:start_?seq|end_?seq)(?!\w)"
    r"|<\s*/?\s*(?:s|start|end|sos|eos|bos|pad|unk|\|endoftext\||\|startoftext\|)\s*>|\[(?:CLS|SEP|PAD|UNK)\]"
    r"|<\|(?:endoftext|startoftext|im_start|im_end)\|>",
    re.IGNORECASE,
)


def mistakes(
    raw_candidates: Mapping[str, str], raw_references: Mapping[str, Sequence[str]], candidates: Candidates
) -> Iterator[str]:
    """Look at the captions as they came and as they were tokenised; yield a sentence for each mistake."""
    references = candidates.references
    yield from _markers("candidates", list(raw_candidates.values()))
    yield from _markers("references", [caption for group in raw_references.values() for caption in group])
    yield from _characters("candidates", candidates.sentences, references.language)
    yield from _characters("references", references.sentences, references.language)
    yield from _taken_apart(raw_references)
    yield from _chinese(raw_references, references.language)
    yield from _empty(candidates)
    yield from _identical(candidates)
    yield from _same_everywhere(candidates.sentences)
    yield from _missing_references(references)


def few_pictures(references: References) -> Iterator[str]:
    """CIDEr weighs n-grams by how many pictures have them, which a few pictures cannot tell."""
    if references.frequencies is None and len(references.ids) < FEW_PICTURES:
        yield (
            f"CIDEr took its document frequencies from {len(references.ids)} pictures, which are too few "
            f"(under {FEW_PICTURES}); take them from a train split (--idf FILE)"
        )


def _markers(side: str, captions: Sequence[str]) -> Iterator[str]:
    text = "\n".join(captions).lower()
    if not any(sign in text for sign in ("<", "[", "startseq", "start_seq", "endseq", "end_seq")):
        return  # nearly all corpora, at a hundredth of the time
    found = [match[0] for caption in captions if (match := _MARKERS.search(caption))]
    if found:
        yield (
            f"{len(found)} of {len(captions)} {side} hold start or end markers ({found[0]!r}); "
            "take them out, they are counted as words"
        )


def _characters(side: str, sentences: Sequence[str], language: str) -> Iterator[str]:
    """Captions whose words are nearly all one letter are characters with spaces between."""
    if language != "en":
        return
    spelled = 0
    for sentence in sentences:
        if len(sentence) > 3 * sentence.count(" ") + 3:
            continue  # its words have more than two letters on average
        words = sentence.split()
        spelled += len(words) >= 5 and sum(len(word) == 1 for word in words) > 0.8 * len(words)
    if spelled and spelled >= 0.05 * len(sentences):
        yield (
            f"{spelled} of {len(sentences)} {side} are single characters where words were meant; give whole "
            "captions as strings"
        )


def _taken_apart(raw_references: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Where a caption was given in the place of a list of captions, each of its characters became one."""
    apart = [name for name, group in raw_references.items() if len(group) >= 5 and max(map(len, group)) == 1]
    if apart and len(apart) >= 0.05 * len(raw_references):
        yield (
            f"the references of {len(apart)} of {len(raw_references)} pictures are single characters "
            f"({some(apart)}); give a list of whole captions"
        )


def _chinese(raw_references: Mapping[str, Sequence[str]], language: str) -> Iterator[str]:
    """English rules take no Chinese sentence apart: each would be one long word."""
    if language != "en":
        return
    chinese = sum(any(_CHINESE.search(caption) for caption in group) for group in raw_references.values())
    if chinese > 0.5 * len(raw_references):
        yield (
            f"{chinese} of {len(raw_references)} pictures have Chinese references, but the captions are scored "
            "as English; choose the language zh"
        )


def _empty(candidates: Candidates) -> Iterator[str]:
    empty = [
        candidates.references.ids[picture]
        for sentence, picture in zip(candidates.sentences, candidates.picture.tolist(), strict=True)
        if not sentence.strip()
    ]
    if empty:
        yield f"{len(empty)} of {len(candidates.sentences)} candidates have no words ({some(empty)})"


def _identical(candidates: Candidates) -> Iterator[str]:
    references = candidates.references
    starts = references.starts.tolist()
    pairs = zip(candidates.sentences, candidates.picture.tolist(), strict=True)
    copied = [
        references.ids[picture]
        for sentence, picture in pairs
        if sentence and sentence in references.sentences[starts[picture] : starts[picture + 1]]
    ]
    if copied and len(copied) > IDENTICAL * len(candidates.sentences):
        yield (
            f"{len(copied)} of {len(candidates.sentences)} candidates are word for word one of their own "
            f"references ({some(copied)}), more than {IDENTICAL:.0%}; a caption must not be scored against itself"
        )


def _same_everywhere(sentences: Sequence[str]) -> Iterator[str]:
    if len(sentences) < 2:
        return
    caption, times = Counter(sentences).most_common(1)[0]
    if times == len(sentences) or (len(sentences) >= _ENOUGH and times > SAME * len(sentences)):
        yield (
            f"the same caption ({caption[:60]!r}) stands for {times} of {len(sentences)} pictures; "
            "the captioner does not look at them"
        )


def _missing_references(references: References) -> Iterator[str]:
    """Pictures with fewer references than nearly all others have lost some."""
    usual, pictures = Counter(references.sizes.tolist()).most_common(1)[0]
    fewer = [
        name for name, size in zip(references.ids, references.sizes.tolist(), strict=True) if size < usual
    ]
    if fewer and pictures >= 0.9 * len(references.ids):
        yield (
            f"{len(fewer)} of {len(references.ids)} pictures have fewer than the usual {usual} references "
            f"({some(fewer)}); some may have been lost"
        )
