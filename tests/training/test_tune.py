"""Tuning a run by a reward, from a half-trained captioner of coloured shapes."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from safetensors.torch import load_file
from shapes import draw_corpus
from toy_recipe import TOY_RECIPE

from showtell.corpora.caption_files import read_captions
from showtell.errors import BadCorpus, BadRecipe
from showtell.feedback import Feedback, FeedbackStore, picture_hash
from showtell.progress import Progress
from showtell.training import tune as module
from showtell.training.export.export import export_run
from showtell.training.recipe import read_recipe, self_critical
from showtell.training.settings import SelfCritical
from showtell.training.train import train
from showtell.training.tune import tune

CHANGES = ["batch=16", "samples=4", "cross_entropy=0.1", "schedule.warmup=2", "schedule.checkpoint_every=2"]


def settings(*changes: str) -> SelfCritical:
    return self_critical([*CHANGES, *changes])


@pytest.fixture(scope="module")
def half_trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that knows the words and not yet the pictures."""
    folder = tmp_path_factory.mktemp("tune")
    draw_corpus(folder / "flickr8k", train=64, dev=8)
    (folder / "recipe.toml").write_text(TOY_RECIPE.format(model="two_lstm", epochs=12), encoding="utf-8")
    changes = ["encoder.size=64", "training.batch=16", "training.schedule.warmup=5"]
    train(read_recipe(folder / "recipe.toml", changes), f"flickr8k:{folder / 'flickr8k'}", folder / "run")
    return folder / "run"


class Judged(NamedTuple):
    """Pictures and what a person said of their captions."""

    pictures: Path
    feedback: Path

    def arguments(self) -> dict[str, Any]:
        return {"feedback": self.feedback, "pictures": [self.pictures]}


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> Judged:
    """Twelve other pictures: a person corrects what was said of each, and likes their own words."""
    folder = tmp_path_factory.mktemp("judged")
    draw_corpus(folder / "flickr8k", train=12, dev=1, seed=1)
    captions = read_captions(folder / "flickr8k/Flickr8k.token.txt").captions
    with FeedbackStore(folder / "feedback.sqlite") as store:
        for path in sorted((folder / "flickr8k/Flicker8k_Dataset").iterdir())[:12]:
            common = {
                "picture": picture_hash(path.read_bytes()),
                "language": "en",
                "model": "m",
                "version": "1",
            }
            [text, *_] = captions[path.stem]
            machine = "a picture of nothing"
            store.add(Feedback(kind="correction", machine=machine, text=text, person="Ann", **common))
            store.add(Feedback(kind="rating", machine=text, rating=5, **common))
    return Judged(folder / "flickr8k", folder / "feedback.sqlite")


def rewards_of(run: Path) -> list[float]:
    return [json.loads(line)["en reward"] for line in (run / "log.jsonl").read_text().splitlines()]


def weights_of(run: Path) -> dict[str, torch.Tensor]:
    return load_file(run / "checkpoints/last.safetensors")


def test_it_raises_the_reward(half_trained: Path, tmp_path: Path) -> None:
    tune(
        half_trained,
        tmp_path / "tuned",
        settings("schedule.epochs=5", "schedule.learning_rate=5e-4", "dropout=0.0", "cross_entropy=0.0"),
    )
    rewards = rewards_of(tmp_path / "tuned")
    assert sum(rewards[-2:]) > sum(rewards[:2])


@pytest.mark.parametrize("reward", ["cider", "feedback"])
def test_a_stopped_tuning_continues_to_the_same_weights(
    half_trained: Path, judged: Judged, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reward: str
) -> None:
    chosen = settings("schedule.epochs=2", f"rewards.{reward}=1.0")
    people = {} if reward == "cider" else judged.arguments()
    tune(half_trained, tmp_path / "whole", chosen, **people)

    class StoppedError(Exception):
        pass

    steps = iter(range(7))
    true_loss = module.SelfCriticalLoss.__call__

    def stopping(self: object, *arguments: object) -> object:
        if next(steps, None) is None:
            raise StoppedError
        return true_loss(self, *arguments)

    with monkeypatch.context() as patched:
        patched.setattr(module.SelfCriticalLoss, "__call__", stopping)
        with pytest.raises(StoppedError):
            tune(half_trained, tmp_path / "stopped", chosen, **people)
    tune(half_trained, tmp_path / "stopped", chosen, **people)
    whole, continued = weights_of(tmp_path / "whole"), weights_of(tmp_path / "stopped")
    assert whole.keys() == continued.keys()
    assert all(torch.equal(whole[name], continued[name]) for name in whole)


class TestFeedback:
    def test_the_captioner_comes_to_agree_with_people(self, half_trained, judged, tmp_path: Path) -> None:
        chosen = settings("rewards.feedback=1.0", "schedule.epochs=4", "schedule.learning_rate=5e-4")
        told: list[str] = []
        tune(
            half_trained,
            tmp_path / "tuned",
            chosen,
            **judged.arguments(),
            progress=Progress(note=told.append),
        )
        agreement = [
            json.loads(line)["agreement"] for line in (tmp_path / "tuned/log.jsonl").read_text().splitlines()
        ]
        assert 50 < agreement[0] < agreement[-1]
        assert any("learning from 24 judgements of the captions of 12 pictures" in line for line in told)
        assert (tmp_path / "tuned/reward.txt").read_text() == "DPO[b0.2]\n"

    def test_corrections_are_references_of_a_metric(self, half_trained, judged, tmp_path: Path) -> None:
        chosen = settings("rewards.cider=1.0", "rewards.feedback=1.0", "schedule.epochs=1")
        tune(half_trained, tmp_path / "tuned", chosen, **judged.arguments())
        frequencies = json.loads((tmp_path / "tuned/document_frequencies.en.json").read_text())
        assert frequencies["pictures"] == 64 + 12

    def test_a_run_keeps_what_people_said_without_their_names(
        self, half_trained, judged, tmp_path: Path
    ) -> None:
        chosen = settings("rewards.feedback=1.0", "schedule.epochs=1")
        tune(half_trained, tmp_path / "tuned", chosen, **judged.arguments())
        kept = (tmp_path / "tuned/feedback.jsonl").read_text(encoding="utf-8")
        assert len(kept.splitlines()) == 24
        assert "Ann" not in kept

    def test_it_needs_pictures_that_can_be_found(self, half_trained, judged, tmp_path: Path) -> None:
        with pytest.raises(BadCorpus, match="--pictures"):
            tune(half_trained, tmp_path / "tuned", settings("rewards.feedback=1.0"), feedback=judged.feedback)


def test_where_nothing_is_better_the_start_stays_and_is_exported(half_trained: Path, tmp_path: Path) -> None:
    told: list[str] = []
    tune(
        half_trained,
        tmp_path / "tuned",
        settings("schedule.epochs=1", "schedule.learning_rate=0.0"),
        progress=Progress(note=told.append),
    )
    assert any("the start in every respect, which therefore stays" in line for line in told)
    bundle = export_run(tmp_path / "tuned", tmp_path / "bundle", name="tuned")
    assert bundle.training["tuning"]["rewards"] == {"cider": 1.0}


def test_a_run_keeps_what_it_was_rewarded_for(half_trained: Path, tmp_path: Path) -> None:
    run = tmp_path / "tuned"
    tune(half_trained, run, settings("schedule.epochs=1"))
    assert (run / "reward.txt").read_text() == "STANDARD_wInit+Cider-D[n4,s6.0]+average[nspi4]+1.0.0\n"
    frequencies = json.loads((run / "document_frequencies.en.json").read_text())
    assert frequencies["pictures"] == 64


def test_a_run_is_not_tuned_in_place(half_trained: Path) -> None:
    with pytest.raises(BadRecipe, match="in place"):
        tune(half_trained, half_trained, settings())


def test_a_tuning_is_not_continued_with_another_reward(half_trained: Path, tmp_path: Path) -> None:
    tune(half_trained, tmp_path / "tuned", settings("schedule.epochs=1"))
    with pytest.raises(BadRecipe, match="rewards"):
        tune(half_trained, tmp_path / "tuned", settings("schedule.epochs=1", "rewards.rouge=1.0"))
