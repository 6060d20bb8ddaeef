"""A tokenizer of `transformers` -> a vocabulary of Showtell, and how its pieces join."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import transformers

from showtell.errors import BadBundle, reason_of
from showtell.text.joining import Join
from showtell.text.printable import printable
from showtell.text.vocabulary import Vocabulary
from showtell.training.export.model_folder import read_json


@dataclass(frozen=True)
class Pieces:
    """What a decoder reads and says.

    Attributes:
        vocabulary: the tokenizer's pieces by id, with Showtell's special tokens.
        rows: for each token of the vocabulary, the model's own id that is meant.
        added: so many tokens at the end are not among the model's own.
        join: how pieces become text.
        prompt: token ids that each caption goes on from.
    """

    vocabulary: Vocabulary
    rows: tuple[int, ...]
    added: int
    join: Join
    prompt: tuple[int, ...]


def pieces_of(folder: Path, config: Any, *, language: str, prompt: str) -> Pieces:
    """The pieces of a model's tokenizer.

    Showtell wants four different special tokens; where a model has one for several purposes (GPT-2 begins, ends and
    fills with the same), the others stand at the end of the vocabulary.

    Args:
        language: of the captions.
        prompt: words that each caption goes on from.

    Raises:
        BadBundle: the tokenizer cannot be read, or joins its pieces in another way.
    """
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    except Exception as error:  # whatever transformers raises of a broken folder
        raise BadBundle(f"{folder}: the tokenizer cannot be loaded ({reason_of(error)})") from error
    start, end, pad, size = _ids(folder, config)
    tokens = _texts(tokenizer, size)
    join = _join(folder, tokens)
    rows = list(range(size))
    taken: dict[int, str] = {}
    roles = (
        (f"<start:{language}>", start),
        ("<end>", end),
        ("<pad>", pad),
        ("<unknown>", tokenizer.unk_token_id),
    )
    for role, own in sorted(roles, key=lambda one: one[0] != "<end>"):  # the end must be the model's own
        if own is None or own in taken or own >= size:
            rows.append(start if own is None or own >= size else own)
            tokens.append(role)
        else:
            tokens[own] = taken[own] = role
    special = {role for role, _ in roles}
    earlier: set[str] = set()
    for place, token in enumerate(tokens):
        mine = place >= size or taken.get(place) == token
        if token in earlier or (token in special and not mine):
            tokens[place] = f"<unused:{place}>"
        earlier.add(tokens[place])
    ids = tokenizer(prompt, add_special_tokens=False)["input_ids"] if prompt else ()
    return Pieces(Vocabulary(tokens), tuple(rows), len(tokens) - size, join, tuple(ids))


def _ids(folder: Path, config: Any) -> tuple[int, int, int | None, int]:
    """The model's own ids of start, end and padding, and the number of its tokens."""
    if config.model_type == "blip":
        text = config.text_config
        return text.bos_token_id, text.sep_token_id, text.pad_token_id, text.vocab_size
    if config.model_type == "git":
        return config.bos_token_id, config.eos_token_id, config.pad_token_id, config.vocab_size
    path = folder / "generation_config.json"
    places = (read_json(path) if path.is_file() else {}, config.to_dict(), config.decoder.to_dict())

    def named(*names: str) -> int | None:
        found = next((one[name] for name in names for one in places if one.get(name) is not None), None)
        return found[0] if isinstance(found, list) else found  # of several ends, the first

    start = named("decoder_start_token_id", "bos_token_id")
    end = named("eos_token_id")
    if start is None or end is None:
        raise BadBundle(
            f"{folder}: neither config.json nor generation_config.json says how captions begin and end"
        )
    return start, end, named("pad_token_id"), config.decoder.vocab_size


def _texts(tokenizer: Any, size: int) -> list[str]:
    """The piece of each id; those that are no text of a caption get a name that is dropped."""
    known = min(size, len(tokenizer))
    pieces: Sequence[str | None] = tokenizer.convert_ids_to_tokens(list(range(known)))
    special = set(tokenizer.all_special_ids)
    texts = []
    for place in range(size):
        piece = pieces[place] if place < known else None
        # Control characters of a vocabulary would reach terminals.
        usable = piece and place not in special and printable(piece) == piece
        texts.append(piece if usable and piece else f"<unused:{place}>")
    return texts


def _join(folder: Path, tokens: Sequence[str]) -> Join:
    if any(token.startswith("Ġ") for token in tokens):
        return "byte-bpe"
    if any(token.startswith("##") for token in tokens):
        return "wordpiece"
    raise BadBundle(f"{folder}: its tokenizer's pieces are neither WordPiece nor byte-level BPE")
