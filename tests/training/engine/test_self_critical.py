"""Rewards, sampling, the loss and the gate of self-critical training."""

import itertools
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small_models import MODELS, REGIONS, SENTINEL, VOCABULARY, WIDTH, small

from showtell.decoding import SpecialIds
from showtell.errors import BadCorpus, BadRecipe
from showtell.metrics import Cider, DocumentFrequencies
from showtell.metrics.base import References
from showtell.text.vocabulary import Vocabulary
from showtell.training.data.batches import Batch
from showtell.training.data.selection import TrainingCaption, TrainingPicture
from showtell.training.engine.gate import Gate
from showtell.training.engine.losses import CrossEntropy
from showtell.training.engine.rewards import Reward, signature
from showtell.training.engine.self_critical import SelfCriticalLoss, draw, sample, scale_dropout
from showtell.training.settings import SelfCritical

CAPTIONS = {
    "one": ["a red dog on the left", "a dog runs"],
    "two": ["a blue cat sits", "the cat sits on a wall"],
    "three": ["two men play ball", "men play with a ball"],
}
SPECIAL = SpecialIds(pad=0, start=3, end=2, unknown=1, others=(4,))


def picture(name: str, *texts: str, source: str = "people", language: str = "en") -> TrainingPicture:
    captions = tuple(TrainingCaption(language, source, tuple(text.split()), 1.0) for text in texts)
    return TrainingPicture(name, Path(name), captions)


PICTURES = [picture(name, *texts) for name, texts in CAPTIONS.items()]
WORDS = Vocabulary.build((text.split() for texts in CAPTIONS.values() for text in texts), minimum_count=1)


def ids(text: str, *, end: bool = True) -> list[int]:
    return [*WORDS.encode(text.split()), *([WORDS.end_id] if end else [])]


def rows(*captions: list[int]) -> np.ndarray:
    longest = max(map(len, captions))
    return np.array([caption + [WORDS.pad_id] * (longest - len(caption)) for caption in captions])


class TestReward:
    def test_it_is_cider_d_over_captions_whose_end_is_a_word(self) -> None:
        texts = {name: [f"{text} END" for text in captions] for name, captions in CAPTIONS.items()}
        frequencies = DocumentFrequencies.build(texts.values(), tokeniser="none")
        cider = Cider(References(texts, tokeniser="none", frequencies=frequencies))
        expected = cider.each(["one", "two"], ["a dog runs END", "a cat sits"])[:, 0]
        reward = Reward(PICTURES, WORDS, "en", {"cider": 1})
        found = reward(["one", "two"], [False, False], rows(ids("a dog runs"), ids("a cat sits", end=False)))
        np.testing.assert_allclose(found, expected, rtol=1e-12)

    def test_a_caption_that_ends_is_worth_more_than_the_same_without_its_end(self) -> None:
        reward = Reward(PICTURES, WORDS, "en", {"cider": 1})
        ended, cut = reward(["one"] * 2, [False] * 2, rows(ids("a dog runs"), ids("a dog runs", end=False)))
        assert ended > cut

    def test_without_the_end_token_a_fragment_is_worth_as_much_as_a_caption(self) -> None:
        reward = Reward(PICTURES, WORDS, "en", {"cider": 1}, end_token=False)
        ended, cut = reward(["one"] * 2, [False] * 2, rows(ids("a dog runs"), ids("a dog runs", end=False)))
        assert ended == cut

    def test_nothing_after_the_first_end_counts(self) -> None:
        reward = Reward(PICTURES, WORDS, "en", {"cider": 1, "bleu4": 1})
        tokens = rows(ids("a dog runs"), [*ids("a dog runs"), *ids("the cat sits")])
        first, second = reward(["one"] * 2, [False] * 2, tokens)
        assert first == second

    def test_a_mirrored_picture_is_compared_with_mirrored_captions(self) -> None:
        vocabulary = Vocabulary([*WORDS.tokens, "right"])
        reward = Reward(PICTURES, vocabulary, "en", {"cider": 1})
        tokens = np.array([[*vocabulary.encode("a red dog on the right".split()), vocabulary.end_id]])
        plain, mirrored = (reward(["one"], [turned], tokens)[0] for turned in (False, True))
        assert mirrored > plain

    def test_rewards_are_mixed_by_their_weights(self) -> None:
        tokens = rows(ids("a dog runs on the left"))
        alone = [
            Reward(PICTURES, WORDS, "en", {name: 1})(["one"], [False], tokens) for name in ("cider", "rouge")
        ]
        both = Reward(PICTURES, WORDS, "en", {"cider": 2, "rouge": 0.5})(["one"], [False], tokens)
        assert both == pytest.approx(2 * alone[0] + 0.5 * alone[1])

    def test_captions_by_a_model_are_no_references(self) -> None:
        written = picture("four", "a robot writes", source="model")
        reward = Reward([*PICTURES, written], WORDS, "en", {"cider": 1})
        assert "four" not in reward
        assert reward.frequencies == Reward(PICTURES, WORDS, "en", {"cider": 1}).frequencies

    def test_document_frequencies_count_a_picture_once_whatever_side_it_shows(self) -> None:
        assert Reward(PICTURES, WORDS, "en", {"cider": 1}).frequencies.pictures == len(PICTURES)

    def test_a_dev_picture_is_refused(self) -> None:
        with pytest.raises(BadCorpus, match="dev picture two"):
            Reward(PICTURES, WORDS, "en", {"cider": 1}, dev_ids=["two"])

    def test_a_language_without_captions_by_people_is_refused(self) -> None:
        with pytest.raises(BadCorpus, match="'zh'"):
            Reward(PICTURES, WORDS, "zh", {"cider": 1})

    def test_an_unknown_reward_is_refused_by_name(self) -> None:
        with pytest.raises(BadRecipe, match="'meteor'"):
            Reward(PICTURES, WORDS, "en", {"meteor": 1})

    @pytest.mark.parametrize(
        ("weights", "settings", "expected"),
        [
            ({"cider": 1}, (True, "mean"), "STANDARD_wInit+Cider-D[n4,s6.0]+average[nspi5]+1.0.0"),
            ({"cider": 1}, (False, "greedy"), "NO<EOS>_wInit+Cider-D[n4,s6.0]+greedy[nspi5]+1.0.0"),
            (
                {"cider": 1, "bleu4": 0.5},
                (True, "mean"),
                "STANDARD_wInit+Cider-D[n4,s6.0]+BLEU[n4]*0.5+average[nspi5]+1.0.0",
            ),
            ({"feedback": 1}, (True, "mean"), "DPO[b0.2]"),
            (
                {"cider": 1, "feedback": 2},
                (True, "mean"),
                "STANDARD_wInit+Cider-D[n4,s6.0]+average[nspi5]+1.0.0+DPO[b0.2]*2",
            ),
        ],
    )
    def test_the_signature_has_the_form_of_sacreeos(self, weights, settings, expected) -> None:
        end_token, baseline = settings
        chosen = SelfCritical(rewards=weights, end_token=end_token, baseline=baseline)
        assert signature(chosen) == expected


@pytest.mark.parametrize("name", sorted(MODELS))
class TestSampling:
    def drawn(self, name: str, *, samples: int = 40, length: tuple[int, int] = (2, 7)):
        torch.manual_seed(0)
        model = small(name).eval()
        return model, sample(model, torch.randn(3, REGIONS, WIDTH), SPECIAL, samples=samples, length=length)

    def test_padding_start_and_unknown_tokens_are_never_drawn(self, name: str) -> None:
        _, found = self.drawn(name)
        for row in found.tokens.tolist():
            words = row[: row.index(SPECIAL.end)]
            assert not {0, 1, 3, 4} & set(words)
            assert set(row[len(words) + 1 :]) <= {SPECIAL.pad}

    def test_every_sample_ends_between_the_fewest_and_the_most_words(self, name: str) -> None:
        _, found = self.drawn(name)
        lengths = [row.index(SPECIAL.end) for row in found.tokens.tolist()]
        assert min(lengths) >= 2
        assert max(lengths) <= 7

    def test_log_probabilities_are_those_of_one_call_with_the_whole_captions(self, name: str) -> None:
        torch.manual_seed(0)
        model = small(name).eval()
        regions = torch.randn(2, REGIONS, WIDTH)
        found = sample(model, regions, SPECIAL, samples=3, length=(0, 6))
        state = tuple(tensor.repeat_interleave(3, dim=0) for tensor in model.begin(regions))
        starts = torch.full((6, 1), SPECIAL.start)
        logits, _, _ = model.step(torch.cat((starts, found.tokens[:, :-1]), dim=1), state)
        logits[:, :, [0, 1, 3, 4]] = -1e9
        expected = logits.log_softmax(dim=-1).gather(2, found.tokens[..., None])[..., 0]
        said = found.tokens != SPECIAL.pad
        last = torch.zeros_like(said)
        last[:, 6:] = True  # the end after the most words is certain
        torch.testing.assert_close(
            found.log_probabilities[said & ~last], expected[said & ~last], rtol=1e-4, atol=1e-4
        )
        assert not found.log_probabilities[~said].any()


def test_indices_are_drawn_as_often_as_they_are_probable_and_never_without_probability() -> None:
    torch.manual_seed(0)
    probabilities = torch.tensor([[0.0, 0.25, 0.0, 0.75, 0.0], [0.5, 0.0, 0.0, 0.0, 0.5]])
    drawn = torch.cat([draw(probabilities) for _ in range(4000)], dim=1)
    for row, expected in zip(drawn, probabilities, strict=True):
        found = torch.bincount(row, minlength=5) / 4000
        torch.testing.assert_close(found, expected, atol=0.03, rtol=0)
        assert not found[expected == 0].any()


class Constant:
    """A reward for the number of times that a token comes, known for some pictures."""

    def __init__(self, token: int, known: tuple[str, ...] = ("p0", "p1")):
        self.token, self.known = token, known

    def __contains__(self, name: object) -> bool:
        return name in self.known

    def __call__(self, ids, mirrored, tokens):
        assert len(ids) == len(mirrored) == len(tokens)
        return (tokens == self.token).sum(axis=1).astype(float)


def batch() -> Batch:
    torch.manual_seed(2)
    return Batch(
        ids=("p0", "p1", "p2"),
        regions=torch.randn(3, REGIONS, WIDTH),
        tokens=torch.tensor([[3, 9, 8, 2], [3, 7, 2, 0], [3, 6, 5, 2]]),
        pictures=torch.tensor([0, 1, 2]),
        weights=torch.ones(3),
        mirrored=torch.zeros(3, dtype=torch.bool),
    )


def loss_of(reward: object, **settings: object) -> SelfCriticalLoss:
    return SelfCriticalLoss(
        {"en": reward}, {"en": SPECIAL}, SelfCritical(**settings), CrossEntropy(0), length=(1, 8)
    )


def followed(loss: SelfCriticalLoss, name: str, steps: int = 40) -> list[dict[str, float]]:
    """The figures of each step that a small model takes along the loss, without dropout."""
    torch.manual_seed(0)
    model = small(name, **({"decoder_layers": 1} if name == "transformer" else {})).train()
    scale_dropout(model, 0.0)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    figures = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss(model, batch()).backward()
        optimizer.step()
        figures.append(loss.take_figures())
    return figures


class TestLoss:
    @pytest.mark.parametrize("name", [*sorted(MODELS), SENTINEL])
    def test_following_it_raises_the_reward_in_each_language(self, name: str) -> None:
        loss = SelfCriticalLoss(
            {"en": Constant(12), "zh": Constant(12)},
            {"en": SPECIAL, "zh": replace(SPECIAL, start=4, others=(3,))},
            SelfCritical(cross_entropy=0.0, samples=8),
            CrossEntropy(0),
            length=(1, 8),
        )
        figures = followed(loss, name)
        for reward in ("en reward", "zh reward"):
            rewards = [found[reward] for found in figures]
            assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 1

    @pytest.mark.parametrize(("language", "start"), [("en", 3), ("zh", 4)])
    def test_a_language_alone_is_followed_from_its_own_start_token(self, language: str, start: int) -> None:
        special = {language: replace(SPECIAL, start=start, others=(7 - start,))}
        settings = SelfCritical(cross_entropy=0.0, samples=8)
        loss = SelfCriticalLoss({language: Constant(12)}, special, settings, CrossEntropy(0), length=(1, 8))
        rewards = [found[f"{language} reward"] for found in followed(loss, "nic")]
        assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 1

    def test_following_it_with_the_greedy_baseline_raises_the_reward(self) -> None:
        figures = followed(loss_of(Constant(12), cross_entropy=0.0, baseline="greedy", samples=8), "nic")
        rewards = [found["en reward"] for found in figures]
        assert np.mean(rewards[-5:]) > np.mean(rewards[:5]) + 1

    def test_the_longest_greedy_caption_ends_as_samples_do(self) -> None:
        ends = []

        class Ends(Constant):
            def __call__(self, ids, mirrored, tokens):
                ends.append((tokens == SPECIAL.end).any(axis=1))
                return super().__call__(ids, mirrored, tokens)

        never_ends = small("nic")
        with torch.no_grad():
            never_ends.bias[12] = 99.0
        loss_of(Ends(12), baseline="greedy", samples=1)(never_ends, batch())
        of_samples, of_greedy = ends
        assert of_samples.all()
        assert of_greedy.all()

    def test_equal_rewards_teach_nothing(self) -> None:
        model = small("nic").train()
        loss_of(Constant(999), cross_entropy=0.0)(model, batch()).backward()
        assert all(parameter.grad is None or not parameter.grad.any() for parameter in model.parameters())

    def test_pictures_without_a_reward_are_learnt_from_by_cross_entropy_alone(self) -> None:
        model = small("nic").eval()
        nobody = Constant(12, known=())
        found = loss_of(nobody, cross_entropy=0.25)(model, batch())
        assert found.item() == pytest.approx(0.25 * CrossEntropy(0)(model, batch()).item())

    def test_what_sampling_did_is_told_once(self) -> None:
        loss = loss_of(Constant(12))
        loss(small("nic"), batch())
        figures = loss.take_figures()
        names = ("reward", "entropy", "sampled length", "sampled without end", "unknown")
        assert set(figures) == {f"en {name}" for name in names}
        assert 0 < figures["en entropy"] <= np.log(VOCABULARY)
        assert loss.take_figures() == {}


def test_a_share_of_the_dropout_is_left() -> None:
    model = small("two_lstm", dropout=0.4, region_dropout=0.2)
    scale_dropout(model, 0.5)
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} <= {0.0, 0.2}
    assert model.region_dropout == pytest.approx(0.1)


START = {"CIDEr": 50.0, "BLEU-4": 20.0, "ROUGE-L": 45.0, "distinct": 80.0, "unfinished": 0.5, "length": 10.0}


class TestGate:
    def passed(self, **changes: float) -> tuple[float, dict[str, float]]:
        figures = START | {"CIDEr": 55.0} | {name.replace("_", "-"): value for name, value in changes.items()}
        validation = lambda _model: (figures["CIDEr"], figures)  # noqa: E731
        gate = Gate(validation, START, frozenset({"cider"}), lambda: {"en reward": 1.0})
        return gate(torch.nn.Identity())

    def test_a_better_epoch_wins_with_its_own_score(self) -> None:
        score, figures = self.passed()
        assert score == 55.0
        assert figures["lost"] == 0
        assert figures["en reward"] == 1.0

    @pytest.mark.parametrize(
        ("name", "worse", "still_good"),
        [
            ("unfinished", 1.6, 1.4),
            ("distinct", 74.9, 75.1),
            ("length", 8.9, 9.1),
            ("ROUGE_L", 44.9, 45.0),
            ("BLEU_4", 19.9, 20.0),
        ],
    )
    def test_an_epoch_that_lost_something_stays_at_the_start(self, name, worse, still_good) -> None:
        assert self.passed(**{name: worse})[0] == START["CIDEr"]
        assert self.passed(**{name: still_good})[0] == 55.0

    @pytest.mark.parametrize(
        ("figures", "score"),
        [
            ({"agreement": 60.0}, 60.0),
            ({"agreement": 60.0, "CIDEr": START["CIDEr"] - 0.9}, 60.0),
            ({"agreement": 60.0, "CIDEr": START["CIDEr"] - 1.1}, 50.0),
            ({"agreement": 60.0, "ROUGE-L": START["ROUGE-L"] - 1.1}, 50.0),
        ],
    )
    def test_where_people_decide_their_agreement_is_the_score_and_no_metric_falls_far(
        self, figures: dict[str, float], score: float
    ) -> None:
        found = START | {"agreement": 50.0} | figures
        validation = lambda _model: (found["CIDEr"], found)  # noqa: E731
        gate = Gate(validation, START | {"agreement": 50.0}, frozenset({"feedback"}), dict)
        assert gate(torch.nn.Identity())[0] == score


def test_settings_out_of_range_are_refused() -> None:
    for settings in ({"samples": 1}, {"dropout": 1.5}, {"cross_entropy": -1.0}, {"batch": 0}):
        with pytest.raises(ValueError, match=next(iter(settings))):
            SelfCritical(**settings)
    assert SelfCritical(samples=1, baseline="greedy").samples == 1


def test_all_of_the_example_is_in_the_vocabulary() -> None:
    words = set(itertools.chain.from_iterable(text.split() for texts in CAPTIONS.values() for text in texts))
    assert all(word in WORDS for word in words)
