"""Pieces of other people's tokenizers become the text that the library ``tokenizers`` makes of them."""

import random

import pytest
from nasty_captions import BY_HAND

from showtell.text.joining import join_tokens

tokenizers = pytest.importorskip("tokenizers", reason="the reference comes with the extra hf")

LINES = [line for line in BY_HAND if line.strip()]


@pytest.fixture(scope="module")
def byte_bpe():
    """GPT-2's kind, with merges learnt from the nasty captions."""
    made = tokenizers.Tokenizer(tokenizers.models.BPE())
    made.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    made.train_from_iterator(LINES, trainer)
    return made


@pytest.fixture(scope="module")
def wordpiece():
    """BERT's kind."""
    made = tokenizers.Tokenizer(tokenizers.models.WordPiece(unk_token="[UNK]"))
    made.normalizer = tokenizers.normalizers.BertNormalizer()
    made.pre_tokenizer = tokenizers.pre_tokenizers.BertPreTokenizer()
    made.decoder = tokenizers.decoders.WordPiece()
    trainer = tokenizers.trainers.WordPieceTrainer(
        vocab_size=500, special_tokens=["[UNK]"], show_progress=False
    )
    made.train_from_iterator(LINES, trainer)
    return made


@pytest.mark.parametrize("line", LINES)
def test_byte_level_pieces_join_as_the_library_joins_them(byte_bpe, line):
    found = byte_bpe.encode(line)
    assert join_tokens(found.tokens, "en", "byte-bpe") == byte_bpe.decode(found.ids).strip()
    assert join_tokens(found.tokens, "en", "byte-bpe") == line.strip()


@pytest.mark.parametrize("line", LINES)
def test_word_pieces_join_as_the_library_joins_them(wordpiece, line):
    found = wordpiece.encode(line)
    assert join_tokens(found.tokens, "en", "wordpiece") == wordpiece.decode(found.ids)


@pytest.mark.parametrize("kind", ["byte_bpe", "wordpiece"])
def test_any_sequence_of_pieces_joins_as_the_library_joins_it(kind, request):
    made = request.getfixturevalue(kind)
    size, chance = made.get_vocab_size(), random.Random(1)
    for _ in range(500):
        ids = [chance.randrange(size) for _ in range(chance.randrange(1, 12))]
        tokens = [made.id_to_token(one) for one in ids]
        expected = made.decode(ids, skip_special_tokens=False)
        how = kind.replace("_", "-") if kind == "wordpiece" else "byte-bpe"
        assert join_tokens(tokens, "en", how) == (expected.strip() if kind == "byte_bpe" else expected)


def test_pieces_of_chinese_are_written_without_spaces():
    assert join_tokens(["两", "只", "狗", "t", "##v", "，"], "zh", "wordpiece") == "两只狗tv，"
    assert join_tokens(["ä¸", "Ń"], "zh", "byte-bpe") == "中"


def test_broken_bytes_become_replacement_characters_and_unused_pieces_nothing():
    assert join_tokens(["a", "ä¸", "<unused:7>"], "en", "byte-bpe") == "a\ufffd"


def test_another_way_to_join_is_refused():
    with pytest.raises(ValueError, match="sentencepiece"):
        join_tokens(["a"], "en", "sentencepiece")
