"""Warnings about likely mistakes: numbers that are right, of captions that are not what was meant.

Each has been made in published code: characters scored as words (one constant caption then gets a BLEU-4 of
50), ``startseq`` left in, a caption scored against itself (BLEU 100).
"""

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from showtell.metrics.base import CHINESE, Candidates, References, pictures_in_chinese
from showtell.metrics.ngrams import Words
from showtell.text.printable import some

IDENTICAL = 0.1  # share of pictures whose candidate may be one of its references
SAME = 0.5  # share of pictures that may have one and the same caption
FEW_PICTURES = 100  # fewer are too few for document frequencies
_ENOUGH = 10  # pictures, before a share says anything
_PROMPT = 3  # words, in which nearly all candidates and hardly any reference begin alike
_PROMPT_LETTERS = 8  # that it has at least: characters that stand alone are no prompt
_SHARE = 0.05  # of captions that are odd, before the file is


Search = Callable[[str], re.Match[str] | None]


@dataclass(frozen=True, slots=True)
class _Remains:
    """What a tokeniser or a file format leaves in captions.

    Attributes:
        signs: a caption without any of them, in lower case, holds none; quick to look for.
        pattern: what is looked for around a sign, in any case.
        message: what is said of it.
        starts: in place of signs, the characters that such a caption starts with.
    """

    signs: tuple[str, ...]
    pattern: str
    message: str
    starts: str = ""


_REMAINS = (
    _Remains(
        ("<", "[", "tseq", "t_seq", "dseq", "d_seq"),
        r"(?<!\w)(?:start_?seq|end_?seq)(?!\w)"
        r"|<\s*(?:/\s*)?(?:s|start(?::\w+)?|end|sos|eos|bos|pad|cls|sep)\s*>|\[(?:CLS|SEP|PAD|BOS|EOS)\]"
        r"|<\|(?:endoftext|startoftext|im_start|im_end)\|>",
        "hold start or end markers ({}); take them out, they are counted as words",
    ),
    _Remains(
        ("unk", "oov", "\ufffd"),
        r"[<\[(⟨{]\s*(?:unk|unknown|oov)\s*[>\])⟩}]|(?<![\w@-])(?:[@_]*unk[@_]*|xx_?unk|oov)(?![\w-])|\ufffd",
        "hold unknown words ({}); they match nothing, or one another",
    ),
    _Remains(
        ("ġ", "▁", "##", "@@", "</w>"),
        r"Ġ|▁|(?<!\S)##\w|\w@@(?=\s|$)|</w>",
        "are in pieces of words ({}); join the pieces as their tokenizer does (its decode method)",
    ),
    _Remains(
        (),
        r"\A\s*(?:[\[({]\s*[ub]?(['\"]).*\1(?:\s*,)?\s*[\])}]|\[(?=[^,]*,).*\])\s*\Z",
        "are lists written as text ({}); give each caption by itself",
        starts="[({ ",
    ),
    _Remains(
        (),
        r"\A\s*b(['\"]).*\1\s*\Z",
        "are bytes written as text ({}); decode them",
        starts="bB ",
    ),
    _Remains(
        (),
        r"\A\s*(?:nan|none|null|n/a|<na>)\s*\Z",
        "are empty values written as text ({}); leave those pictures out",
        starts="nN< ",
    ),
    _Remains(
        (),
        r"\A\s*\d+(?:[\s,]+\d+)+\s*\Z",
        "are numbers ({}); turn the ids into words (the tokenizer's decode method)",
        starts="0123456789 ",
    ),
    _Remains(
        ("ã", "â€", "â\xa0", "ï»¿"),
        "Ã[\x80-\xbf]|â€[\x80-\xbf™œ“”˜¦]|Â\xa0|ï»¿",
        "were read in another encoding than they are written in ({}); read them as UTF-8",
    ),
    _Remains(
        (),
        r"\A\s*error: ",
        "are messages about pictures that failed ({}); leave those pictures out",
        starts="eE ",
    ),
)


def mistakes(candidates: Candidates, raw_references: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Look at captions as they came and as they were tokenised; a sentence for each mistake."""
    references = candidates.references
    raw = [caption for group in raw_references.values() for caption in group]
    for side, captions, sentences, words in (
        ("candidates", candidates.captions, candidates.sentences, candidates.words),
        ("references", raw, references.sentences, references.words),
    ):
        yield from _remains(side, captions)
        yield from _characters(side, sentences, words, references.language)
        yield from _spaced_chinese(side, captions, references.tokeniser.name)
    yield from _taken_apart(raw_references)
    yield from _chinese(raw_references, references.language)
    yield from _empty(candidates)
    yield from _identical(candidates)
    yield from _same_everywhere(candidates.sentences)
    yield from _same_beginning(candidates.sentences, references.sentences)
    yield from _missing_references(references)


def few_pictures(references: References) -> Iterator[str]:
    """CIDEr weighs n-grams by how many pictures have them, which a few pictures cannot tell."""
    if references.frequencies is None and len(references.ids) < FEW_PICTURES:
        yield (
            f"CIDEr took its document frequencies from {len(references.ids)} pictures, which are too few "
            f"(under {FEW_PICTURES}); take them from a train split (--idf FILE)"
        )


def chosen_language(references: References, raw_references: Mapping[str, Sequence[str]]) -> str | None:
    """A sentence where captions are scored as Chinese because of what is in them."""
    if references.language != "zh":
        return None
    return (
        f"{pictures_in_chinese(raw_references)} of {len(raw_references)} pictures have Chinese references, so the "
        "captions were scored as Chinese; give the language to choose another"
    )


def _remains(side: str, captions: Sequence[str]) -> Iterator[str]:
    text = "\n".join(captions).lower()
    first = {caption[:1] for caption in captions}
    for kind in _REMAINS:
        search = re.compile(kind.pattern, re.DOTALL | re.IGNORECASE).search
        if not (first & set(kind.starts) or any(_stands(sign, text, search) for sign in kind.signs)):
            continue  # nearly all corpora, at a hundredth of the time
        found = [match[0] for caption in captions if (match := search(caption))]
        if found:
            message = kind.message.format(repr(_short(found[0])))
            yield f"{len(found)} of {len(captions)} {side} {message}"


def _stands(sign: str, text: str, search: Search) -> bool:
    """Whether a sign stands in a text, with what is looked for around it."""
    place = text.find(sign)
    while place >= 0:
        if search(text[max(place - 20, 0) : place + 20]):
            return True
        place = text.find(sign, place + 1)
    return False


def _short(text: str) -> str:
    return text if len(text) <= 30 else text[:29] + "…"


def _characters(side: str, sentences: Sequence[str], words: Words, language: str) -> Iterator[str]:
    """Captions whose words are nearly all one letter are characters with spaces between."""
    if language != "en":
        return
    letters = np.fromiter(map(len, sentences), np.int64, len(sentences))
    spelled = 0
    # The others have words of more than two letters on average.
    for place in np.flatnonzero((letters <= 3 * words.lengths) & (words.lengths >= 5)).tolist():
        alone = sum(len(word) == 1 for word in sentences[place].split())
        spelled += alone > 0.8 * int(words.lengths[place])
    if spelled and spelled >= _SHARE * len(sentences):
        yield (
            f"{spelled} of {len(sentences)} {side} are single characters where words were meant; give whole "
            "captions as strings"
        )


def _spaced_chinese(side: str, captions: Sequence[str], tokeniser: str) -> Iterator[str]:
    """Where each character stands alone, no tokeniser finds words."""
    if tokeniser != "words":
        return
    characters = re.compile(CHINESE)
    spaced = 0
    for caption in captions:
        number = len(characters.findall(caption)) if " " in caption.strip() else 0
        alone = sum(len(piece) == 1 and characters.match(piece) is not None for piece in caption.split())
        spaced += number >= 3 and alone > 0.8 * number
    if spaced and spaced >= _SHARE * len(captions):
        yield (
            f"{spaced} of {len(captions)} {side} are Chinese with a space after each character, so that no words "
            "are found; take the spaces out, or choose the tokeniser characters"
        )


def _taken_apart(raw_references: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Where a caption was given in the place of a list of captions, each of its characters became one."""
    apart = [name for name, group in raw_references.items() if len(group) >= 5 and max(map(len, group)) == 1]
    if apart and len(apart) >= _SHARE * len(raw_references):
        yield (
            f"the references of {len(apart)} of {len(raw_references)} pictures are single characters "
            f"({some(apart)}); give a list of whole captions"
        )


def _chinese(raw_references: Mapping[str, Sequence[str]], language: str) -> Iterator[str]:
    """English rules take no Chinese sentence apart: each would be one long word."""
    if language != "en":
        return
    chinese = pictures_in_chinese(raw_references)
    if chinese > 0.5 * len(raw_references):
        yield (
            f"{chinese} of {len(raw_references)} pictures have Chinese references, but the captions are scored "
            "as English; choose the language zh"
        )


def _empty(candidates: Candidates) -> Iterator[str]:
    places = np.flatnonzero(candidates.words.lengths == 0)
    if len(places):
        empty = [candidates.references.ids[picture] for picture in candidates.picture[places].tolist()]
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


def _same_beginning(candidates: Sequence[str], references: Sequence[str]) -> Iterator[str]:
    """What nearly all captions begin with, and hardly any reference, is what the model was asked with."""
    if len(candidates) < _ENOUGH or len(set(candidates)) < 2:
        return
    beginnings = Counter(" ".join(caption.split(" ", _PROMPT)[:_PROMPT]) for caption in candidates)
    beginning, times = beginnings.most_common(1)[0]
    if (
        beginning.count(" ") < _PROMPT - 1
        or len(beginning) < _PROMPT_LETTERS
        or times <= 0.9 * len(candidates)
    ):
        return
    usual = sum(reference.startswith(beginning) for reference in references)
    if usual < 0.1 * len(references):
        yield (
            f"{times} of {len(candidates)} candidates begin with {beginning!r}, as {usual} of {len(references)} "
            "references do; take out what the model was asked with"
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
