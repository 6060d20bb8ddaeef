"""Pictures in, captions out: one or many, in order, whatever some of them are."""

import dataclasses
import gc
import inspect
import io
import itertools
import os
import pickle
import re
import threading
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image
from tiny_bundle import CHINESE, COLOURS, graphs, vocabulary, write_tiny_bundle

import showtell
from showtell.captioning.base import Caption, Captioner, Options
from showtell.captioning.batches import BATCH, caption_many
from showtell.captioning.bundle import read_bundle, write_bundle
from showtell.captioning.captioner import BundleCaptioner, special_ids
from showtell.errors import BadBundle, BadImage, ShowtellError
from showtell.text.vocabulary import Vocabulary


@pytest.fixture(scope="module")
def captioner(tiny_model):
    return showtell.load(tiny_model)


def plain(colour, width=40, height=30):
    return np.full((height, width, 3), COLOURS[colour], np.uint8)


def colours(number):
    return list(itertools.islice(itertools.cycle(COLOURS), number))


# --- one picture ---


@pytest.mark.parametrize("colour", COLOURS)
def test_a_picture_is_captioned(captioner, colour):
    caption = captioner.caption(plain(colour))
    assert str(caption) == caption.text == f"a {colour} picture"
    assert caption.language == "en"
    assert caption.tokens == ("a", colour, "picture")
    assert caption.log_probability < 0
    assert 0 < caption.confidence < 1
    assert caption.attention is None


def test_every_kind_of_source_is_captioned(captioner, tmp_path):
    path = tmp_path / "picture.png"
    Image.fromarray(plain("blue")).save(path)
    for source in (path, str(path), path.read_bytes(), Image.open(path), plain("blue")):
        assert captioner.caption(source).text == "a blue picture"


def test_a_caption_cannot_be_changed(captioner):
    with pytest.raises(dataclasses.FrozenInstanceError):
        captioner.caption(plain("red")).text = "a cat"


def test_a_bad_picture_raises(captioner, tmp_path):
    with pytest.raises(BadImage, match="no such file"):
        captioner.caption(tmp_path / "missing.jpg")


def test_chinese(captioner):
    caption = captioner.caption(plain("green"), language="zh")
    assert caption.text == f"一张{CHINESE['green']}图片"
    assert caption.language == "zh"


def test_the_alternatives_are_the_rest_of_the_beam_best_first(captioner):
    caption = captioner.caption(plain("red"))
    assert len(caption.alternatives) == 2
    logs = [caption.log_probability, *(other.log_probability for other in caption.alternatives)]
    assert logs == sorted(logs, reverse=True)
    assert len({caption.text, *map(str, caption.alternatives)}) == 3


@pytest.mark.parametrize(
    ("options", "others"), [({"candidates": 1}, 0), ({"candidates": 2}, 1), ({"beam": 1}, 0)]
)
def test_as_many_alternatives_as_are_asked_for(captioner, options, others):
    assert len(captioner.caption(plain("red"), **options).alternatives) == others


def test_more_candidates_than_the_beam_widen_it(captioner):
    assert len(captioner.caption(plain("red"), candidates=5).alternatives) == 4


def test_how_many_candidates_are_shown_changes_neither_caption_nor_confidence(captioner):
    one, all_ = captioner.caption(plain("red"), candidates=1), captioner.caption(plain("red"))
    assert (one.text, one.confidence) == (all_.text, all_.confidence)


def test_attention_has_a_row_a_token_when_asked_for(captioner):
    caption = captioner.caption(plain("red"), attention=True)
    assert caption.attention.shape[1] == 4
    assert len(caption.attention) >= len(caption.tokens)
    assert np.allclose(caption.attention.sum(1), 1)


def test_lengths(captioner):
    assert len(captioner.caption(plain("red"), max_length=2).tokens) == 2
    assert len(captioner.caption(plain("red"), min_length=6).tokens) == 6


def test_a_length_that_is_given_moves_the_default_of_the_other(tmp_path):
    write_tiny_bundle(tmp_path / "b", decoding={"beam": 3, "min_length": 3, "max_length": 5})
    model = showtell.load(tmp_path / "b")
    assert len(model.caption(plain("red"), max_length=2).tokens) == 2
    assert len(model.caption(plain("red"), min_length=7).tokens) == 7
    for options in ({"max_length": 0}, {"min_length": -1}, {"min_length": 4, "max_length": 2}):
        with pytest.raises(ValueError, match=next(iter(options))):
            model.caption(plain("red"), **options)


def test_more_words_than_a_model_has_places_for_are_said_to_be_too_many(tmp_path):
    words = vocabulary()
    graph = onnx.load_from_string(graphs(words)["step.onnx"])
    [last] = [tensor for tensor in graph.graph.initializer if tensor.name == "last"]
    last.CopyFrom(onnx.numpy_helper.from_array(np.array([99]), "last"))  # beyond its table, which ends at 10
    files = graphs(words) | {"step.onnx": graph.SerializeToString()}
    write_tiny_bundle(tmp_path / "b", files=files)
    model = showtell.load(tmp_path / "b")
    assert len(model.caption(plain("red"), min_length=9).tokens) == 9
    with pytest.raises(BadBundle, match=r"up to 12 words; ask for fewer \(its own choice is 10\)"):
        model.caption(plain("red"), min_length=12)


def test_the_start_of_another_language_is_never_said(captioner):
    """It would be dropped from the words, and leave attention and length without them."""
    pictures = [plain("red")] * 40
    for result in captioner.caption_many(pictures, temperature=100.0, attention=True):
        assert len(result.caption.tokens) == len(result.caption.attention)


def reds():
    """Twenty pictures that differ a little, so that the same words are probable for all."""
    pictures = [plain("red") for _ in range(20)]
    for number, picture in enumerate(pictures):
        picture[..., 1] = number
    return pictures


def drawn(captioner, pictures, **options):
    results = captioner.caption_many(pictures, temperature=3.0, **options)
    return [result.caption.text for result in results]


def test_the_same_seed_draws_the_same_words(captioner):
    assert drawn(captioner, reds(), seed=1) == drawn(captioner, reds(), seed=1)
    assert drawn(captioner, reds(), seed=1) != drawn(captioner, reds(), seed=2)
    assert len(set(drawn(captioner, reds(), seed=1))) > 1  # another picture is another draw


def test_what_is_drawn_for_a_picture_does_not_depend_on_its_place_or_its_neighbours(captioner):
    together = drawn(captioner, reds(), seed=5)
    assert drawn(captioner, reds()[::-1], seed=5) == together[::-1]
    assert drawn(captioner, [b"no picture", plain("blue"), *reds()][7:], seed=5) == together[5:]
    alone = [captioner.caption(picture, temperature=3.0, seed=5).text for picture in reds()]
    assert alone == together
    assert len(set(drawn(captioner, [plain("red")] * 9, seed=5))) == 1  # copies of a picture agree


def test_a_bundle_without_calibration_claims_no_confidence(tmp_path):
    write_tiny_bundle(tmp_path / "b", calibration={})
    assert showtell.load(tmp_path / "b").caption(plain("red")).confidence is None


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"language": "fr"}, "does not caption in 'fr'; it captions in en and zh"),
        ({"language": "both"}, "one caption has one language"),
        ({"beam": 0}, "beam"),
        ({"beam": 2, "candidates": 3}, "candidates"),
        ({"min_length": 9, "max_length": 3}, "min_length"),
        ({"temperature": -1.0}, "temperature"),
    ],
)
def test_options_that_make_no_sense(captioner, options, complaint):
    with pytest.raises(ValueError, match=complaint):
        captioner.caption(plain("red"), **options)


def test_an_option_that_is_not_there(captioner):
    with pytest.raises(TypeError, match="'bream'"):
        captioner.caption(plain("red"), bream=3)


def test_a_model_of_one_language_says_so(tmp_path):
    write_tiny_bundle(tmp_path / "b")
    english = showtell.load(tmp_path / "b")
    with pytest.raises(ValueError, match="tiny does not caption in 'zh'; it captions in en"):
        english.caption(plain("red"), language="zh")
    with pytest.raises(ValueError, match="one language only: en"):
        english.caption_many([plain("red")], language="both")


# --- many pictures ---


def test_results_come_in_the_order_given(captioner, tmp_path):
    wanted = colours(3 * BATCH + 5)
    paths = []
    for number, colour in enumerate(wanted):
        paths.append(tmp_path / f"{number}.png")
        Image.fromarray(plain(colour, width=10 + 37 * (number % 5))).save(paths[-1])
    results = list(captioner.caption_many(paths))
    assert [result.path for result in results] == paths
    assert [result.caption.text for result in results] == [f"a {colour} picture" for colour in wanted]


def test_many_are_captioned_as_each_alone(captioner):
    generator = np.random.default_rng(3)
    pictures = [generator.integers(0, 256, (20, 20, 3)).astype(np.uint8) for _ in range(BATCH + 3)]
    for options in ({}, {"beam": 1}, {"language": "zh", "candidates": 2}):
        together = [result.caption for result in captioner.caption_many(pictures, **options)]
        alone = [captioner.caption(picture, **options) for picture in pictures]
        for one, other in zip(together, alone, strict=True):
            assert one.text == other.text
            assert one.confidence == pytest.approx(other.confidence, abs=1e-5)
            assert one.log_probability == pytest.approx(other.log_probability, abs=1e-4)


@pytest.mark.parametrize("bad", [[0], [3], list(range(2 * BATCH)), [BATCH - 1, BATCH]])
def test_a_bad_picture_stops_nothing(captioner, tmp_path, bad):
    sources = [plain("red")] * (2 * BATCH)
    for place in bad:
        sources[place] = str(tmp_path / "missing.jpg")
    results = list(captioner.caption_many(sources))
    assert [place for place, result in enumerate(results) if not result.ok] == bad
    for place in bad:
        assert results[place].error == "there is no such file"
        assert results[place].caption is None
        assert results[place].path == sources[place]


def test_both_languages_in_turn(captioner, tmp_path):
    results = list(captioner.caption_many([plain("red"), tmp_path, plain("blue")], language="both"))
    said = [str(result.caption) if result.ok else result.error for result in results]
    assert said == [
        "a red picture",
        "一张红色图片",
        "this is a folder, not a picture",
        "a blue picture",
        "一张蓝色图片",
    ]


def test_nothing_gives_nothing(captioner):
    assert list(captioner.caption_many([])) == []


def test_options_are_checked_before_the_first_picture(captioner):
    with pytest.raises(ValueError, match="beam"):
        captioner.caption_many([plain("red")], beam=0)


def test_pictures_are_read_as_they_are_needed(tiny_model):
    captioner = showtell.load(tiny_model, threads=2)
    asked = 0

    def endless():
        nonlocal asked
        while True:
            asked += 1
            yield plain("red")

    results = captioner.caption_many(endless())
    assert next(results).ok
    assert asked <= 3 * BATCH
    results.close()
    assert asked <= 3 * BATCH


def test_ending_early_leaves_no_threads_behind(captioner):
    before = set(threading.enumerate())  # other tests' services among them
    results = captioner.caption_many([plain("red")] * 100)
    next(results)
    started = set(threading.enumerate()) - before
    assert started
    del results
    gc.collect()
    for thread in started:
        thread.join(60)
        assert not thread.is_alive()


@pytest.mark.parametrize("source", ["photo.jpg", b"bytes", Path("photo.jpg")])
def test_one_picture_in_place_of_many_is_the_callers_mistake(captioner, source):
    with pytest.raises(TypeError, match="takes a list of pictures"):
        captioner.caption_many(source)


def test_a_source_that_is_no_picture_at_all_is_the_callers_mistake(captioner):
    with pytest.raises(TypeError, match="not int"):
        list(captioner.caption_many([plain("red"), 7]))


def test_several_threads_may_share_a_captioner(captioner):
    found = {}

    def work(colour):
        found[colour] = [str(result.caption) for result in captioner.caption_many([plain(colour)] * 20)]

    threads = [threading.Thread(target=work, args=(colour,)) for colour in COLOURS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {colour: [f"a {colour} picture"] * 20 for colour in COLOURS}


# --- names ---


def test_a_captioner_says_what_it_is(captioner):
    assert repr(captioner) == "BundleCaptioner(tiny 1, en, zh)"
    assert isinstance(captioner, Captioner)
    assert showtell.Captioner is Captioner


@pytest.mark.parametrize("method", ["caption", "caption_many", "describe"])
def test_the_help_of_a_method_lists_the_options(method):
    said = inspect.getdoc(getattr(BundleCaptioner, method))
    for name in Options.__annotations__:
        assert re.search(rf"^    {name}: [A-Z].*\.$", said, re.MULTILINE)


def test_notebooks_show_captions_and_pictures(captioner, tmp_path):
    Image.fromarray(plain("red")).save(tmp_path / "a.png")
    fine, broken = captioner.caption_many([tmp_path / "a.png", tmp_path / "<b>.png"])
    assert re.match(
        r'<span lang="en">a red picture</span> <small>\(confidence 0\.\d\d\)', fine.caption._repr_html_()
    )
    assert '<img src="data:image/jpeg;base64,' in fine._repr_html_()
    assert "&lt;b&gt;.png: there is no such file" in broken._repr_html_()


# --- the two halves ---


def test_describing_what_was_encoded_is_captioning(captioner):
    pictures = [plain(colour) for colour in COLOURS]
    encoded = [captioner.encode(picture) for picture in pictures]
    assert {one.regions.shape for one in encoded} == {(4, 3)}
    assert [one.embedding for one in encoded] == [None] * len(encoded)
    for options in ({}, {"language": "zh", "candidates": 2}, {"temperature": 2.0, "seed": 3}):
        described = captioner.describe(encoded, **options)
        assert list(map(str, described)) == [str(captioner.caption(one, **options)) for one in pictures]


def test_nothing_encoded_is_nothing_described(captioner):
    assert captioner.describe([]) == []


def test_what_is_described_together_has_one_language(captioner):
    with pytest.raises(ValueError, match="one language"):
        captioner.describe([captioner.encode(plain("red"))], language="both")


def test_pictures_lie_near_the_words_that_describe_them(searching_model):
    model = showtell.load(searching_model)
    assert model.embeds
    for text in (["a", "red", "picture"], ["红色"]):
        similarities = {
            colour: float(model.encode(plain(colour)).embedding @ model.embed_text(text))
            for colour in COLOURS
        }
        assert max(similarities, key=similarities.get) == "red"
        assert similarities["red"] == pytest.approx(1, abs=1e-3)


def test_a_caption_knows_how_similar_it_is_to_its_picture(searching_model):
    model = showtell.load(searching_model)
    picture = model.encode(plain("red"))
    [caption] = model.describe([picture])
    for one in (caption, *caption.alternatives):
        assert one.similarity == pytest.approx(
            float(picture.embedding @ model.embed_text(one.tokens)), abs=1e-5
        )


def test_the_caption_is_the_one_most_similar_to_the_picture_where_that_is_all_that_counts(
    searching_model, tmp_path
):
    bundle = read_bundle(searching_model)
    heavy = {**bundle.decoding, "similarity_weight": 1000.0}
    write_bundle(dataclasses.replace(bundle, folder=tmp_path / "heavy", decoding=heavy), {})
    plainly, ranked = showtell.load(searching_model), showtell.load(tmp_path / "heavy")
    for colour in COLOURS:
        [usual], [caption] = (model.describe([model.encode(plain(colour))]) for model in (plainly, ranked))
        found = {one.text: one.similarity for one in (usual, *usual.alternatives)}
        assert len(found) > 1
        assert {one.text for one in (caption, *caption.alternatives)} == set(found)
        assert found[caption.text] == max(found.values())


def test_a_captioner_without_vectors_measures_no_similarity(captioner):
    assert captioner.caption(plain("red")).similarity is None


def test_a_text_without_a_known_word_has_a_vector_too(searching_model):
    assert showtell.load(searching_model).embed_text([]).shape == (3,)


def test_a_bundle_without_an_embedder_says_so(captioner):
    assert not captioner.embeds
    with pytest.raises(ShowtellError, match="tiny makes no vectors"):
        captioner.embed_text(["red"])


# --- other captioners ---


class Echo:
    """The simplest captioner: it says a picture's name, and holds some for broken."""

    def encode(self, source):
        if "broken" in source:
            raise BadImage(source, "is broken")
        return source

    def describe(self, pictures, **options):
        return [
            Caption(f"{options['language']} {name}", options["language"], None, 0.0, ()) for name in pictures
        ]


def test_whatever_encodes_and_describes_can_caption_many():
    names = ["one", "broken", *(f"picture {number}" for number in range(20))]
    results = list(caption_many(Echo(), names, {}, languages=["en", "zh"], threads=3))
    said = [str(result.caption or result.error) for result in results]
    wanted = [["is broken"] if "broken" in name else [f"en {name}", f"zh {name}"] for name in names]
    assert said == [text for texts in wanted for text in texts]


# --- other processes ---


def test_a_captioner_can_be_pickled_for_another_process(tiny_model, monkeypatch):
    monkeypatch.chdir(tiny_model.parent)
    captioner = showtell.load(tiny_model.name, threads=1)
    with ProcessPoolExecutor(
        1, mp_context=get_context("spawn"), initializer=os.chdir, initargs=("/",)
    ) as pool:
        assert pool.submit(captioner.caption, plain("blue")).result().text == "a blue picture"


def test_a_pickled_captioner_whose_bundle_is_gone_says_so(tmp_path):
    write_tiny_bundle(tmp_path / "b")
    pickled = pickle.dumps(showtell.load(tmp_path / "b"))
    (tmp_path / "b").rename(tmp_path / "c")
    with pytest.raises(BadBundle, match="no such folder"):
        pickle.loads(pickled)


@pytest.mark.parametrize("name", ["no-such-model", "", "../base"])
def test_a_model_that_is_not_there(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(BadBundle, match=r"no such model|is not a bundle"):
        showtell.load(name)


def test_what_a_user_imports_is_there():
    for name in showtell.__all__:
        assert getattr(showtell, name)
    assert set(showtell.__all__) <= set(dir(showtell))
    with pytest.raises(AttributeError, match="no attribute 'lode'"):
        showtell.lode  # noqa: B018


def test_pictures_of_a_compressed_file_in_memory(captioner):
    file = io.BytesIO()
    Image.fromarray(plain("white")).save(file, "WEBP")
    assert captioner.caption(file.getvalue()).text == "a white picture"


def test_a_bilingual_model_never_says_the_start_of_the_other_language() -> None:
    vocabulary = Vocabulary.build([["a", "dog"], ["一", "狗"]], languages=("en", "zh"), minimum_count=1)
    english, chinese = (special_ids(vocabulary, language) for language in ("en", "zh"))
    assert (english.start, english.others) == (vocabulary.start_ids["en"], (vocabulary.start_ids["zh"],))
    assert (chinese.start, chinese.others) == (vocabulary.start_ids["zh"], (vocabulary.start_ids["en"],))
