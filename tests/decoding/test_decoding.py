import dataclasses
import itertools
import math
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from showtell.decoding import DecodingOptions, Hypothesis, SpecialIds, decode, forced
from showtell.errors import BadBundle

PAD, UNKNOWN, END, START = range(4)
IDS = SpecialIds(pad=PAD, unknown=UNKNOWN, end=END, start=START)
FIRST_WORD = 4


class Toy:
    """A captioner whose logits are drawn afresh for each picture and prefix, and follow from these alone.

    What it looks at says what it was asked: the picture, how many words there were, and the last token.
    """

    fixed = frozenset({0})

    def __init__(self, seed: int, words: int, *, spread: float = 2.0):
        self.seed, self.size, self.spread = seed, FIRST_WORD + words, spread
        self.rows: list[int] = []
        self.known: dict[tuple[int, ...], np.ndarray] = {}

    def begin(self, regions):
        pictures = regions[:, 0, 0].astype(np.int64)
        return pictures, np.zeros((len(pictures), 0), np.int64)

    def step(self, tokens, state):
        pictures, prefixes = state
        assert len(pictures) == len(prefixes) == len(tokens)
        assert ((tokens >= 0) & (tokens < self.size)).all()
        self.rows.append(len(tokens))
        prefixes = np.concatenate([prefixes, tokens], 1)
        logits = np.stack(
            [self.logits(int(picture), tuple(row)) for picture, row in zip(pictures, prefixes, strict=True)]
        )
        length = np.full(len(tokens), prefixes.shape[1] - 1)
        return logits, np.stack([pictures, length, tokens[:, 0]], 1).astype(np.float32), (pictures, prefixes)

    def logits(self, picture, prefix):
        key = (self.seed, picture, *prefix)
        if key not in self.known:
            drawn = np.random.default_rng(key).normal(size=self.size) * self.spread
            self.known[key] = drawn.astype(np.float32)
        return self.known[key]


class Fixed(Toy):
    """The same logits whatever was said before; words not named are all but impossible."""

    def __init__(self, logits: dict[int, float], words: int = 4):
        super().__init__(0, words)
        self.table = np.full(self.size, -50, np.float32)
        for token, logit in logits.items():
            self.table[token] = logit

    def logits(self, picture, prefix):
        return self.table


def pictures(count: int):
    return np.arange(count, dtype=np.float32).reshape(-1, 1, 1)


def log_softmax(logits):
    logits = logits.astype(np.float64)
    return logits - logits.max() - math.log(np.exp(logits - logits.max()).sum())


def may_follow(prefix: tuple[int, ...], options: DecodingOptions, size: int) -> list[int]:
    """The rules about what may be said next, written out."""
    n = options.no_repeat_ngram
    said = {prefix[i : i + n] for i in range(len(prefix) - n + 1)} if n else set()
    words = [
        word
        for word in range(FIRST_WORD, size)
        if len(prefix) < options.max_length
        and (not n or (*prefix, word)[-n:] not in said or len(prefix) < n - 1)
    ]
    return [*words, END] if len(prefix) >= options.min_length or not words else words


def grown(toy, picture, options, prefix=(), total=0.0):
    """Each token that may follow a prefix, with the log-probability of both."""
    scores = log_softmax(toy.logits(picture, (START, *prefix)))
    for token in may_follow(prefix, options, toy.size):
        yield token, total + scores[token]


def score(total, length, options):
    return total / (length + 1) ** options.length_exponent


def everything(toy, picture, options):
    """Every caption there is, with its log-probability, best first."""
    found, growing = [], [((), 0.0)]
    while growing:
        prefix, before = growing.pop()
        for token, total in grown(toy, picture, options, prefix, before):
            if token == END:
                found.append((prefix, total))
            else:
                growing.append(((*prefix, token), total))
    return sorted(found, key=lambda one: -score(one[1], len(one[0]), options))


def slow_beam_search(toy, picture, options):
    """Beam search word for word, without stopping early."""
    found, growing = [], [((), 0.0)]
    while growing:
        longer = []
        for prefix, before in growing:
            for token, total in grown(toy, picture, options, prefix, before):
                (found if token == END else longer).append(((*prefix, token), total))
        growing = sorted(longer, key=lambda one: -one[1])[: options.beam]
    complete = [(tokens[:-1], total) for tokens, total in found]
    return sorted(complete, key=lambda one: -score(one[1], len(one[0]), options))[: options.candidates]


def same(found: list[Hypothesis], expected, options):
    assert [one.tokens for one in found] == [tokens for tokens, _ in expected]
    for one, (tokens, total) in zip(found, expected, strict=True):
        assert one.log_probability == pytest.approx(total, abs=1e-4)
        assert one.score == pytest.approx(score(total, len(tokens), options), abs=1e-4)


toys = st.builds(Toy, st.integers(0, 2**31), st.integers(1, 3), spread=st.sampled_from([0.3, 1.0, 3.0]))
searches = st.builds(
    lambda beam, candidates, shortest, longest, **rest: DecodingOptions(
        beam=beam,
        candidates=min(candidates, beam),
        min_length=min(shortest, longest),
        max_length=longest,
        **rest,
    ),
    beam=st.integers(2, 6),
    candidates=st.integers(1, 6),
    shortest=st.integers(0, 4),
    longest=st.integers(1, 4),
    length_exponent=st.sampled_from([0.0, 0.4, 0.7, 1.0, 2.0]),
    no_repeat_ngram=st.integers(0, 3),
)


@given(toys, searches)
@settings(max_examples=40, deadline=None)
def test_a_beam_wide_enough_finds_the_best_of_all_captions(toy, options):
    options = dataclasses.replace(options, beam=100)
    (found,) = decode(toy, pictures(1), IDS, options)
    same(found, everything(toy, 0, options)[: options.candidates], options)


@given(toys, searches)
@settings(max_examples=60, deadline=None)
def test_stopping_early_loses_nothing_that_the_whole_beam_search_finds(toy, options):
    for picture, found in enumerate(decode(toy, pictures(3), IDS, options)):
        same(found, slow_beam_search(toy, picture, options), options)


@given(toys, searches)
@settings(max_examples=30, deadline=None)
def test_the_best_of_several_candidates_is_the_one_found_alone(toy, options):
    alone = dataclasses.replace(options, candidates=1)
    assert decode(toy, pictures(1), IDS, options)[0][0] == decode(toy, pictures(1), IDS, alone)[0][0]


@given(toys, searches)
@settings(max_examples=30, deadline=None)
def test_greedy_takes_the_best_token_each_time(toy, options):
    options = dataclasses.replace(options, beam=1, candidates=1)
    for picture, (found,) in enumerate(decode(toy, pictures(3), IDS, options)):
        tokens, total = (), 0.0
        while END not in tokens:
            token, total = max(grown(toy, picture, options, tokens, total), key=lambda one: one[1])
            tokens = (*tokens, token)
        same([found], [(tokens[:-1], total)], options)


EVERY_WAY = [
    DecodingOptions(beam=1, max_length=8),
    DecodingOptions(beam=3, candidates=2, max_length=8),
    DecodingOptions(beam=5, max_length=8, length_exponent=0.0),
    DecodingOptions(temperature=1.0, max_length=8),
    DecodingOptions(temperature=0.7, top_k=3, candidates=4, max_length=8),
    DecodingOptions(top_p=0.8, candidates=2, max_length=8, no_repeat_ngram=2),
]
every_way = pytest.mark.parametrize("options", EVERY_WAY, ids=range(len(EVERY_WAY)))


@every_way
def test_a_picture_gets_the_same_captions_alone_and_among_others(options):
    toy, regions = Toy(1, 6), pictures(20)
    together = decode(toy, regions, IDS, options, attention=True, seeds=range(20))
    alone = [
        decode(toy, regions[i : i + 1], IDS, options, attention=True, seeds=[i])[0]
        for i in range(len(regions))
    ]
    assert together == alone
    for one, other in zip(itertools.chain(*together), itertools.chain(*alone), strict=True):
        np.testing.assert_array_equal(one.attention, other.attention)
    assert len({found[0].tokens for found in together}) > 5, "the pictures have captions of their own"


@every_way
def test_attention_belongs_to_the_words(options):
    for picture, found in enumerate(decode(Toy(2, 6), pictures(20), IDS, options, attention=True)):
        for one in found:
            before = (START, *one.tokens[:-1])
            expected = [(picture, place, token) for place, token in enumerate(before)] if one.tokens else []
            np.testing.assert_array_equal(one.attention, np.reshape(expected, (-1, 3)))


@every_way
@pytest.mark.parametrize("weight", [0.0, 2.0])
def test_similarity_to_the_picture_ranks_what_was_found(options, weight):
    def similarity(place, captions):
        return np.array([np.cos(sum(map(hash, (place, *tokens)))) for tokens in captions])

    without = decode(Toy(5, 6), pictures(20), IDS, options)
    weighted = dataclasses.replace(options, similarity_weight=weight)
    found = decode(Toy(5, 6), pictures(20), IDS, weighted, similarity=similarity)
    for place, (before, after) in enumerate(zip(without, found, strict=True)):
        expected = similarity(place, [one.tokens for one in before])
        order = sorted(
            range(len(before)), key=lambda index: -(before[index].score + weight * expected[index])
        )
        assert [one.tokens for one in after] == [before[index].tokens for index in order]
        for one, index in zip(after, order, strict=True):
            assert one.similarity == expected[index]
            assert one.score == pytest.approx(before[index].score + weight * expected[index])
            assert one.log_probability == before[index].log_probability


@every_way
def test_log_probabilities_are_those_of_the_model(options):
    toy = Toy(3, 6)
    for picture, found in enumerate(decode(toy, pictures(10), IDS, options)):
        for one in found:
            said = (START, *one.tokens, END)
            total = sum(
                log_softmax(toy.logits(picture, said[:place]))[said[place]] for place in range(1, len(said))
            )
            assert one.log_probability == pytest.approx(total, abs=1e-4)
            assert one.attention is None
        assert found == sorted(found, key=lambda one: -one.score)


@every_way
def test_special_tokens_are_never_said_however_likely(options):
    toy = Fixed({PAD: 9, UNKNOWN: 9, START: 9, FIRST_WORD: 1, FIRST_WORD + 1: 1, END: 0})
    for found in decode(toy, pictures(3), IDS, options):
        assert all(token >= FIRST_WORD for one in found for token in one.tokens)


@every_way
@pytest.mark.parametrize(("shortest", "longest"), [(0, 1), (3, 3), (2, 5), (8, 8)])
def test_captions_keep_to_their_lengths(options, shortest, longest):
    options = dataclasses.replace(options, min_length=shortest, max_length=longest)
    for eager in (-9, 9):
        toy = Fixed({END: eager, **{FIRST_WORD + i: i for i in range(20)}}, words=20)
        for found in decode(toy, pictures(3), IDS, options):
            assert all(shortest <= len(one.tokens) <= longest for one in found)


@every_way
@pytest.mark.parametrize("ngram", [1, 2, 3])
def test_no_words_in_a_row_are_said_twice(options, ngram):
    options = dataclasses.replace(options, no_repeat_ngram=ngram, min_length=6, max_length=10)
    toy = Fixed({FIRST_WORD + i: 5 * i for i in range(8)}, words=8)
    for found in decode(toy, pictures(2), IDS, options):
        for one in found:
            runs = Counter(zip(*(one.tokens[start:] for start in range(ngram)), strict=False))
            assert max(runs.values()) == 1


@every_way
def test_a_captioner_that_runs_out_of_words_ends_before_its_minimum(options):
    options = dataclasses.replace(options, no_repeat_ngram=1, min_length=8)
    for found in decode(Toy(4, 2), pictures(3), IDS, options):
        assert all(sorted(one.tokens) == [FIRST_WORD, FIRST_WORD + 1] for one in found)


def test_impossible_words_are_said_when_nothing_else_may_be():
    class Mute(Toy):
        def logits(self, picture, prefix):
            return np.where(np.arange(self.size) == END, 0, -np.inf).astype(np.float32)

    for beam in (1, 3):
        ((found, *_),) = decode(
            Mute(0, 2), pictures(1), IDS, DecodingOptions(beam=beam, min_length=2, max_length=3)
        )
        assert len(found.tokens) == 2
        assert math.isfinite(found.log_probability)


def test_equal_hypotheses_are_settled_by_the_lower_token_and_the_earlier_end():
    toy = Fixed({FIRST_WORD: 0, FIRST_WORD + 1: 0, FIRST_WORD + 2: 0, END: 0})
    options = DecodingOptions(beam=3, candidates=3, min_length=1, max_length=3)
    for _ in range(3):
        (found,) = decode(toy, pictures(1), IDS, options)
        assert [one.tokens for one in found] == [(FIRST_WORD,), (FIRST_WORD + 1,), (FIRST_WORD + 2,)]
    (greedy,) = decode(toy, pictures(1), IDS, DecodingOptions(beam=1))
    assert greedy[0].tokens == (FIRST_WORD,), "the end is the lower id once it may be said"


def test_beam_search_gives_fewer_candidates_when_there_are_no_more_captions():
    (found,) = decode(Toy(5, 1), pictures(1), IDS, DecodingOptions(beam=5, candidates=5, max_length=2))
    assert len(found) == 2


def test_finished_pictures_leave_the_batch():
    class Mixed(Toy):
        """Even pictures end at once; odd ones go on for long."""

        def logits(self, picture, prefix):
            ends = picture % 2 == 0 or len(prefix) > 15
            return np.where(np.arange(self.size) == (END if ends else FIRST_WORD), 30, 0).astype(np.float32)

    for beam in (1, 4):
        toy = Mixed(0, 5)
        decode(toy, pictures(8), IDS, DecodingOptions(beam=beam, min_length=0))
        assert toy.rows[0] == 8
        assert toy.rows[-1] == 4 * beam
        assert len(toy.rows) <= 18, "and nothing runs on when all are done"


def test_large_tensors_that_never_change_are_copied_for_new_rows_alone():
    class Watched(Toy):
        copies = 0
        seen = None

        def step(self, tokens, state):
            if state[0] is not self.seen:
                self.copies, self.seen = self.copies + 1, state[0]
            return super().step(tokens, state)

    toy = Watched(6, 4)
    decode(toy, pictures(1), IDS, DecodingOptions(beam=3, min_length=8, max_length=8))
    assert toy.copies == 2, "once as they came, once for the beams"


def test_sampling_follows_the_seed_and_nothing_else():
    toy, regions = Toy(7, 8, spread=0.5), pictures(6)
    options = DecodingOptions(temperature=1.0, candidates=3, seed=5)
    once = decode(toy, regions, IDS, options)
    assert decode(toy, regions, IDS, options) == once
    assert decode(toy, regions, IDS, dataclasses.replace(options, seed=6)) != once
    cut = decode(toy, regions[:2], IDS, options) + decode(toy, regions[2:], IDS, options, seeds=[2, 3, 4, 5])
    assert cut == once
    assert len({one.tokens for one in once[0]}) == 3, "samples of one picture are independent"


def first_words(options, toy, count=1500):
    options = dataclasses.replace(options, candidates=count, max_length=1)
    (found,) = decode(toy, pictures(1), IDS, options)
    spoken = Counter(one.tokens[0] - FIRST_WORD for one in found)
    return [spoken[word] / count for word in range(4)]


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"temperature": 1.0}, [0.4, 0.3, 0.2, 0.1]),
        ({"temperature": 0.5}, [16 / 30, 9 / 30, 4 / 30, 1 / 30]),
        ({"temperature": 1e-300}, [1, 0, 0, 0]),
        ({"top_k": 2}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_k": 1}, [1, 0, 0, 0]),
        ({"top_k": 1000}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_p": 0.65}, [4 / 7, 3 / 7, 0, 0]),
        ({"top_p": 0.75}, [4 / 9, 3 / 9, 2 / 9, 0]),
        ({"top_p": 1e-9}, [1, 0, 0, 0]),
        ({"top_p": 1.0}, [0.4, 0.3, 0.2, 0.1]),
        ({"top_k": 3, "top_p": 0.75}, [4 / 7, 3 / 7, 0, 0]),
    ],
)
def test_samples_have_the_distribution_that_was_asked_for(settings, expected):
    toy = Fixed({FIRST_WORD + i: math.log(4 - i) for i in range(4)} | {PAD: 3})
    assert first_words(DecodingOptions(**settings), toy) == pytest.approx(expected, abs=0.045)


@pytest.mark.parametrize(
    "wrong",
    [
        {"beam": 0},
        {"candidates": 0},
        {"beam": 3, "candidates": 4},
        {"min_length": -1},
        {"min_length": 5, "max_length": 4},
        {"min_length": 0, "max_length": 0},
        {"length_exponent": -0.1},
        {"length_exponent": math.nan},
        {"similarity_weight": -0.1},
        {"similarity_weight": math.nan},
        {"similarity_weight": math.inf},
        {"temperature": 0.0},
        {"temperature": math.inf},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"seed": -1},
        {"no_repeat_ngram": -1},
        {"beam": 2.5},
        {"beam": True},
        {"max_length": 5.5},
        {"min_length": 1.5},
        {"top_k": 1.5},
        {"seed": 1.5},
        {"no_repeat_ngram": 1.5},
        {"temperature": 10**400},
    ],
)
def test_options_out_of_range_are_refused_by_name(wrong):
    with pytest.raises(ValueError, match=next(reversed(wrong))):
        DecodingOptions(**wrong)


def test_whole_numbers_of_numpy_are_whole_numbers():
    assert DecodingOptions(beam=np.int64(2), top_k=np.int32(5)).beam == 2


def test_special_ids_must_differ():
    with pytest.raises(ValueError, match="four different"):
        SpecialIds(pad=0, start=1, end=1, unknown=2)


@every_way
@pytest.mark.parametrize("logit", [math.nan, math.inf])
def test_a_broken_network_is_said_to_be_broken(options, logit):
    with pytest.raises(BadBundle, match="not numbers"):
        decode(Fixed({FIRST_WORD: logit}), pictures(2), IDS, options)


def test_no_pictures_have_no_captions_and_seeds_must_be_as_many():
    assert decode(Toy(0, 1), pictures(0), IDS, DecodingOptions()) == []
    with pytest.raises(ValueError, match="3 seeds for 2 pictures"):
        decode(Toy(0, 1), pictures(2), IDS, DecodingOptions(), seeds=[1, 2, 3])


def test_forcing_the_words_that_were_found_gives_their_log_probability() -> None:
    regions = np.arange(3.0)[:, None, None]
    toy = Toy(5, words=6)
    found = decode(toy, regions, IDS, DecodingOptions(beam=3, max_length=5))
    for picture, [best, *_] in enumerate(found):
        each = forced(toy, regions, START, (*best.tokens, END))
        assert each.shape == (3, len(best.tokens) + 1)
        assert each[picture].sum() == pytest.approx(best.log_probability, abs=1e-5)


def test_no_words_are_forced_without_a_step() -> None:
    toy = Toy(5, words=6)
    assert forced(toy, np.zeros((2, 1, 1)), START, ()).shape == (2, 0)
    assert toy.rows == []
