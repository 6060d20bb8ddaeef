"""BLEU, ROUGE-L and CIDEr: equal to their specification, in range, and blind to what must not matter."""

import math
import random
from collections import Counter

import numpy as np
import pytest
import specification
from hypothesis import given, settings
from hypothesis import strategies as st

from showtell.errors import BadCorpus
from showtell.metrics import Bleu, Cider, DocumentFrequencies, OriginalCider, References, RougeL
from showtell.metrics.ngrams import NgramIndex, Words

METRICS = (Bleu, RougeL, Cider, OriginalCider)
# The highest a metric can go, as a fraction. CIDEr's cosine does not exceed 1 clipped; unclipped neither.
HIGHEST = {Bleu: 1, RougeL: 1, Cider: 10, OriginalCider: 10}

words = st.sampled_from("a the dog cat runs on grass red ball and".split())
captions = st.lists(words, max_size=9).map(" ".join)
pictures = st.lists(st.tuples(captions, st.lists(captions, min_size=1, max_size=4)), min_size=1, max_size=6)


def prepared(pairs, **how):
    references = References({str(i): group for i, (_, group) in enumerate(pairs)}, tokeniser="none", **how)
    return references, references.candidates({str(i): candidate for i, (candidate, _) in enumerate(pairs)})


@given(pictures)
def test_bleu_is_its_specification(pairs):
    references, found = prepared(pairs)
    score = Bleu(references).score(found)
    for n in range(1, 5):
        assert score[f"BLEU-{n}"] == pytest.approx(100 * specification.bleu(pairs, n), abs=1e-7)


@given(pictures)
def test_bleu_of_one_picture_is_bleu_of_a_set_of_one(pairs):
    references, _ = prepared(pairs)
    each = Bleu(references).each(references.ids, [candidate for candidate, _ in pairs])
    for row, pair in zip(each, pairs, strict=True):
        assert row.tolist() == pytest.approx([specification.bleu([pair], n) for n in range(1, 5)], abs=1e-9)


@given(pictures)
def test_rouge_l_is_its_specification(pairs):
    references, found = prepared(pairs)
    each = RougeL(references).statistics(found)[:, 0]
    assert each.tolist() == pytest.approx([specification.rouge_l(*pair) for pair in pairs])


@given(
    st.lists(
        st.tuples(
            st.lists(words, min_size=60, max_size=70).map(" ".join) | st.text(alphabet="ab \xa0", max_size=8),
            st.lists(captions | st.text(alphabet="ab \xa0", max_size=8), min_size=1, max_size=3),
        ),
        min_size=1,
        max_size=4,
    )
)
def test_rouge_l_of_long_captions_and_odd_white_space_is_its_specification(pairs):
    references, found = prepared(pairs)
    each = RougeL(references).statistics(found)[:, 0]
    assert each.tolist() == pytest.approx([specification.rouge_l(*pair) for pair in pairs])


@given(pictures)
def test_cider_is_its_specification(pairs):
    references, found = prepared(pairs)
    assert Cider(references).statistics(found)[:, 0].tolist() == pytest.approx(
        specification.cider(pairs), abs=1e-9
    )


@given(pictures)
def test_the_original_cider_is_its_specification(pairs):
    references, found = prepared(pairs)
    expected = specification.cider(pairs, clipped=False)
    assert OriginalCider(references).statistics(found)[:, 0].tolist() == pytest.approx(expected, abs=1e-9)


@given(pictures, st.lists(st.lists(captions, min_size=1, max_size=3), min_size=1, max_size=6))
def test_cider_with_document_frequencies_of_another_set_is_its_specification(pairs, others):
    counted = DocumentFrequencies.build(others, tokeniser="none")
    references, found = prepared(pairs, frequencies=counted)
    expected = specification.cider(
        pairs, frequencies=specification.document_frequencies(others), pictures=len(others)
    )
    assert Cider(references).statistics(found)[:, 0].tolist() == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("candidate", "references", "bleu_4"),
    [
        ("a dog runs on the grass", ["a dog runs on the grass"], 100.0),
        ("the the the the the the the", ["the cat is on the mat", "there is a cat on the mat"], 0.0),
        ("", ["a dog"], 0.0),
        ("", [""], 0.0),
    ],
)
def test_bleu_of_known_captions(candidate, references, bleu_4):
    score = Bleu(References({"1": references})).score({"1": candidate})
    assert score["BLEU-4"] == pytest.approx(bleu_4, abs=1e-3)


def test_repeating_a_word_of_the_reference_is_clipped():
    score = Bleu(References({"1": ["the cat is on the mat"]})).score({"1": "the the the the the the"})
    assert score["BLEU-1"] == pytest.approx(100 * 2 / 6)


def test_of_two_references_equally_near_in_length_the_shorter_counts():
    references = {"1": ["a b", "a b c d e f"]}
    assert Bleu(References(references)).score({"1": "a b c d"})["BLEU-1"] == pytest.approx(100)


def test_a_word_that_every_picture_has_is_worth_nothing_to_cider():
    references = References({"1": ["dog"], "2": ["dog"], "3": ["dog cat"]})
    assert Cider(references).score({"1": "dog", "2": "dog", "3": "dog"})["CIDEr"] == 0


def test_candidates_of_any_pictures_in_any_number_are_scored_as_training_needs_it():
    references = References({"1": ["a dog runs", "the dog ran"], "2": ["a cat sits"], "3": ["red ball"]})
    cider = Cider(references)
    rewards = cider.each(["2", "1", "2", "1"], ["a cat sits", "a dog runs", "a dog runs", ""])[:, 0]
    alone = cider.statistics(references.candidates({"1": "a dog runs", "2": "a cat sits", "3": ""}))[:, 0]
    assert rewards[[0, 1]].tolist() == alone[[1, 0]].tolist()
    assert rewards[3] == 0
    assert cider.each([], []).shape == (0, 1)


def test_a_reward_for_a_picture_without_references_is_refused():
    with pytest.raises(BadCorpus, match="nowhere"):
        Cider(References({"1": ["a dog"]})).each(["nowhere"], ["a dog"])
    with pytest.raises(ValueError, match="2 ids were given for 1 captions"):
        Cider(References({"1": ["a dog"]})).each(["1", "1"], ["a dog"])


texts = st.text(max_size=40) | st.text(alphabet=st.characters(max_codepoint=255), max_size=40)


@pytest.mark.parametrize("tokeniser", ["ptb", "characters", "none"])
@settings(max_examples=60)
@given(st.lists(st.tuples(texts, st.lists(texts, min_size=1, max_size=3)), min_size=1, max_size=4))
def test_no_text_in_any_script_gives_a_crash_or_a_number_that_is_none(tokeniser, pairs):
    references = References({str(i): group for i, (_, group) in enumerate(pairs)}, tokeniser=tokeniser)
    found = references.candidates({str(i): candidate for i, (candidate, _) in enumerate(pairs)})
    for metric in METRICS:
        judge = metric(references)
        values = judge.combine(judge.statistics(found), 1)
        assert np.isfinite(values).all()
        assert values.min() >= 0
        assert values.max() <= HIGHEST[metric] + 1e-9
        assert all(0 <= value <= 100 * HIGHEST[metric] + 1e-6 for value in judge.score(found).values())


@given(pictures, st.randoms(use_true_random=False))
def test_the_order_of_pictures_and_references_does_not_matter(pairs, chance):
    candidates = {str(i): candidate for i, (candidate, _) in enumerate(pairs)}
    groups = {str(i): group for i, (_, group) in enumerate(pairs)}
    names = list(groups)
    chance.shuffle(names)
    shuffled = {name: chance.sample(groups[name], len(groups[name])) for name in names}
    for metric in METRICS:
        before = metric(References(groups, tokeniser="none")).score(candidates)
        after = metric(References(shuffled, tokeniser="none")).score(dict(reversed(candidates.items())))
        assert after == pytest.approx(before, abs=1e-8)


@given(pictures)
def test_a_further_reference_never_takes_bleu_matches_away(pairs):
    references, found = prepared(pairs)
    more = [(candidate, [*group, "a red dog"]) for candidate, group in pairs]
    richer, found_again = prepared(more)
    assert (Bleu(richer).statistics(found_again)[:, :4] >= Bleu(references).statistics(found)[:, :4]).all()


def test_many_words_do_not_run_over_the_packing_of_n_grams():
    chance = random.Random(0)
    vocabulary = [f"word{i}" for i in range(70_000)]
    pairs = [("", [" ".join(vocabulary[start : start + 700]) for start in range(0, len(vocabulary), 700)])]
    pairs += [
        (" ".join(chance.sample(vocabulary, 5)), [" ".join(chance.sample(vocabulary, 5))]) for _ in range(20)
    ]
    pairs[3] = (pairs[3][1][0], pairs[3][1])
    references, found = prepared(pairs)
    each = Cider(references).statistics(found)[:, 0]
    assert np.argmax(each) == 3
    assert each[3] == pytest.approx(10)


def test_specification_counts_document_frequencies_once_a_picture():
    assert specification.document_frequencies([["a a", "a"], ["b"]]) == Counter(
        {("a",): 1, ("a", "a"): 1, ("b",): 1}
    )
    assert math.isclose(specification.penalty("a b c", "a", True), math.exp(-4 / 72))


@given(st.lists(st.text(alphabet=" ab\n\t\xa0\x1c", max_size=8)))
def test_sentences_are_cut_together_as_they_are_cut_alone(sentences):
    found = Words.of(sentences)
    assert found.flat == [word for sentence in sentences for word in sentence.split()]
    assert found.lengths.tolist() == [len(sentence.split()) for sentence in sentences]
    assert found.regular.tolist() == [
        sentence != "" and sentence.split() == sentence.split(" ") for sentence in sentences
    ]


@given(st.lists(captions, max_size=6), st.lists(captions, max_size=4))
def test_n_grams_are_counted_by_caption_and_those_of_the_index_have_ids(own, others):
    index = NgramIndex(Words.of(own))
    for sentences, found in ((own, index.own), (others, index.grams(Words.of(others)))):
        counts: Counter = Counter()
        columns = (found.caption, found.order, found.count)
        for caption, order, count in zip(*(column.tolist() for column in columns), strict=True):
            counts[caption, order] += count
        assert counts == {
            (place, order): max(len(sentence.split()) - order, 0)
            for place, sentence in enumerate(sentences)
            for order in range(4)
            if len(sentence.split()) > order
        }
    known = {
        gram for sentence in own for order in range(1, 5) for gram in specification.grams(sentence, order)
    }
    assert index.known == len(known) == len(set(index.own.gram.tolist()))
