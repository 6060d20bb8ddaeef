"""Queries: what is found, in which order, why, and when nothing is."""

import threading

import numpy as np
import pytest
from painted import names, paint, paint_all
from tiny_bundle import COLOURS

import showtell
from showtell.errors import BadBundle, BadImage, ShowtellError
from showtell.images import read_pixels
from showtell.search.calibration import FEATURES, KINDS, read_calibrations
from showtell.search.reranking import WEIGHT
from showtell.search.sheet import contact_sheet


@pytest.fixture
def colours(library, tmp_path):
    """A library of five pictures, one of each colour."""
    library.index(paint_all(tmp_path / "pictures"))
    return library


@pytest.mark.parametrize("query", ["red", "a RED picture", "Reds", "红色", "一张红色图片", "red 红色"])
def test_a_query_in_either_language_finds_the_picture(colours, query):
    assert names(colours.find(query)) == ["red.png"]


def test_a_query_in_one_language_finds_pictures_captioned_in_the_other(library, tmp_path):
    library.index(paint_all(tmp_path / "pictures"), languages=["zh"])
    [match] = library.find("green")
    assert (match.path, match.why, match.caption) == (
        str(tmp_path / "pictures/green.png"),
        "vector",
        "一张绿色图片",
    )


def test_captions_alone_are_searched_where_there_are_no_vectors(words_only, tmp_path):
    words_only.index(paint_all(tmp_path / "pictures"))
    for query in ("red", "红色"):
        [match] = words_only.find(query)
        assert (names([match]), match.why, match.similarity, match.probability) == (
            ["red.png"],
            "words",
            None,
            None,
        )
    assert words_only.find("purple").nothing
    assert words_only.find("a purple monkey", anyway=True).matches == ()


def test_vectors_alone_are_searched_where_there_are_no_captions(library, tmp_path):
    library.index(paint_all(tmp_path / "pictures"), captions=False)
    [match] = library.find("green")
    assert (match.why, match.words, match.caption) == ("vector", (), None)
    assert match.similarity == pytest.approx(1, abs=1e-3)


def test_a_match_says_why(library, tmp_path):
    for number in range(20):
        paint(tmp_path / "pictures" / f"{number}.png", "green", size=(9, number + 1))
    paint(tmp_path / "pictures" / "red.png", "red")
    library.index(tmp_path / "pictures")
    [match] = library.find("a red balloon")
    assert (match.why, match.words) == ("both", ("red",))
    assert match.reason == "the caption says red and it looks like it (1.00)"
    assert 0.5 < match.probability <= 1


def test_words_that_no_caption_has_are_said_to_be_nothing_here(colours):
    found = colours.find("zebra")
    assert (found.nothing, len(found), found.searched) == (True, 0, 5)
    anyway = colours.find("zebra", anyway=True, top=3)
    assert (anyway.nothing, len(anyway)) == (True, 3)
    assert all(match.probability < 0.5 for match in anyway)


def test_an_empty_library_has_nothing(library):
    assert library.find("red").nothing
    assert library.find("red", anyway=True).matches == ()
    assert library.duplicates() == []


def test_matches_come_in_order_of_similarity_and_captions_and_no_more_than_asked_for(colours):
    found = colours.find("red", anyway=True, top=4)
    similarities = [match.similarity for match in found]
    assert len(similarities) == 4
    assert similarities == pytest.approx(sorted(similarities, reverse=True), abs=1e-3)
    assert names(found)[0] == "red.png"


@pytest.mark.parametrize(("query", "tokens", "language"), [("red", ["red"], "en"), ("红色", ["红色"], "zh")])
def test_the_captioner_ranks_the_first_pictures_anew(colours, searching_model, query, tokens, language):
    captioner = showtell.load(searching_model)
    plain = colours.find(query, anyway=True)
    again = colours.find(query, anyway=True, rerank=True)
    pixels = np.stack([read_pixels(match.path, captioner.preprocessing) for match in plain])
    probable = captioner.log_probabilities(pixels, tokens, language).sum(axis=1)
    scores = {match.path: match.similarity + WEIGHT * one for match, one in zip(plain, probable, strict=True)}
    assert {match.path for match in again} == set(scores)
    found = [scores[match.path] for match in again]
    assert found == pytest.approx(sorted(found, reverse=True), abs=1e-3)


def test_ranked_anew_a_persons_words_stay_first_and_a_lost_file_comes_last(colours, tmp_path):
    colours.describe(tmp_path / "pictures/green.png", "red when it is angry")
    (tmp_path / "pictures/red.png").unlink()
    found = names(colours.find("red", anyway=True, rerank=True))
    assert (found[0], found[-1]) == ("green.png", "red.png")
    assert len(found) == 5
    assert names(colours.find("red", anyway=True, rerank=True, top=1)) == ["green.png"]


def test_a_picture_finds_those_that_look_like_it_but_not_itself(colours, tmp_path):
    paint(tmp_path / "pictures" / "other.png", "red", size=(99, 20))
    colours.index(tmp_path / "pictures")
    assert names(colours.find(like=tmp_path / "pictures/red.png")) == ["other.png"]
    outside = paint(tmp_path / "outside.jpg", "red", size=(50, 50))
    assert sorted(names(colours.find(like=outside))) == ["other.png", "red.png"]
    assert sorted(names(colours.find(like=outside.read_bytes()))) == ["other.png", "red.png"]
    assert all(match.why == "vector" for match in colours.find(like=outside))


def test_words_and_a_picture_are_asked_together(colours, tmp_path):
    red = paint(tmp_path / "outside.jpg", "red", size=(50, 50))
    both = colours.find("blue", like=red, anyway=True)
    places = [names(both).index(name) for name in ("red.png", "blue.png", "green.png")]
    assert max(places[:2]) < places[2]


def test_what_is_not_wanted_is_left_out(colours):
    everything = colours.find("picture", anyway=True)
    assert len(everything) == 5
    assert "red.png" not in names(colours.find("picture", without="red"))
    assert "red.png" in names(colours.find("picture", without="blue"))
    assert names(colours.find("red", without="红色")) == []


def test_filters_keep_other_folders_out(library, tmp_path):
    for year in ("2023", "2024"):
        for number, colour in enumerate(COLOURS):
            paint(tmp_path / year / f"{colour}.png", colour, size=(int(year) % 100, number + 1))
    library.index(tmp_path)
    assert len(library.find("red")) == 2
    [match] = library.find("red", folder=tmp_path / "2023")
    assert match.path == str(tmp_path / "2023" / "red.png")
    assert library.find("red", folder=tmp_path / "202").nothing
    assert library.find("red", folder=tmp_path / "2023").searched == 5


@pytest.mark.parametrize("date", ["yesterday", "2024-5", "05/2024", "", "2024-05-01T10:00"])
def test_a_date_that_is_none_is_refused(colours, date):
    with pytest.raises(ShowtellError, match="a date is written"):
        colours.find("red", since=date)


def test_safe_pictures_are_those_that_were_screened_and_found_fit(colours, tmp_path):
    with pytest.raises(ShowtellError, match="no picture has been screened"):
        colours.find("picture", safe=True)
    assert colours.screened(tmp_path / "pictures/red.png", 0.9, by="nets 1")
    assert colours.screened(tmp_path / "pictures/blue.png", 0.1, by="nets 1")
    assert not colours.screened(paint(tmp_path / "outside.png", "red", size=(8, 8)), 0.1, by="nets 1")
    assert names(colours.find("picture", safe=True, anyway=True)) == ["blue.png"]
    with pytest.raises(ValueError, match="from 0 to 1"):
        colours.screened(tmp_path / "pictures/red.png", 2, by="nets 1")


def test_a_persons_words_come_first(colours, tmp_path):
    colours.describe(tmp_path / "pictures/green.png", "red when it is angry")
    found = colours.find("red")
    assert names(found) == ["green.png", "red.png"]
    assert (found.matches[0].by_person, found.matches[0].caption) == (True, "red when it is angry")
    assert found.matches[0].reason.startswith("your words say red")
    colours.describe(tmp_path / "pictures/blue.png", "我的大海")
    assert names(colours.find("大海")) == ["blue.png"]


def test_a_persons_words_are_found_though_the_model_does_not_know_them(colours, tmp_path):
    colours.describe(tmp_path / "pictures/green.png", "Zoë's Übergrößenträger")
    [match] = colours.find("zoe ubergroßentrager")
    assert match.caption == "Zoë's Übergrößenträger"
    assert match.probability > 0.9


@pytest.mark.parametrize("query", ["", " ", "?!", "\0"])
def test_a_query_without_words_is_refused(colours, query):
    with pytest.raises(ShowtellError, match="no words"):
        colours.find(query)


def test_a_query_needs_words_or_a_picture_that_can_be_read(colours, words_only, tmp_path):
    with pytest.raises(ShowtellError, match="nothing to look for"):
        colours.find()
    with pytest.raises(BadImage, match=r"nowhere\.jpg: there is no such file"):
        colours.find(like=tmp_path / "nowhere.jpg")
    (tmp_path / "bad.jpg").write_bytes(b"nonsense")
    with pytest.raises(BadImage, match=r"bad\.jpg"):
        colours.find(like=tmp_path / "bad.jpg")
    with pytest.raises(ShowtellError, match="makes no vectors"):
        words_only.find(like=tmp_path / "pictures/red.png")


ODD = ['"red"', "red OR green", "red* NEAR(green)", "machine: red", "a" * 5000, "红" * 500, "^red -green"]


@pytest.mark.parametrize("query", ODD)
def test_the_full_texts_own_language_is_plain_words_here(colours, query):
    colours.find(query, anyway=True)


def test_many_threads_may_ask_while_one_indexes(colours, tmp_path):
    errors = []

    def ask():
        try:
            for _ in range(30):
                assert "red.png" in names(colours.find("red"))
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for number in range(40):
        paint(tmp_path / "more" / f"{number}.png", "green", size=(9, number + 1))
    colours.index(tmp_path / "more")
    for thread in threads:
        thread.join()
    assert errors == []
    assert len(colours.find("green", top=100)) == 41


def test_another_process_may_change_the_library(colours, tmp_path, searching_model):
    assert len(colours.find("red")) == 1
    with showtell.open_library(colours.folder) as other:
        paint(tmp_path / "pictures" / "other.png", "red", size=(8, 8))
        other.index(tmp_path / "pictures")
        assert len(colours.find("red")) == 2
        (tmp_path / "pictures" / "red.png").unlink()
        other.index(tmp_path / "pictures")
        assert names(colours.find("red")) == ["other.png"]


def test_duplicates_are_the_same_files_and_then_those_that_look_the_same(colours, tmp_path):
    folder = tmp_path / "pictures"
    (folder / "copy.png").write_bytes((folder / "blue.png").read_bytes())
    paint(folder / "red.jpg", "red", size=(200, 100), quality=50)
    colours.index(folder)
    same, nearly = colours.duplicates()
    assert (same.same, [path.split("/")[-1] for path in same.paths]) == (True, ["blue.png", "copy.png"])
    assert (nearly.same, [path.split("/")[-1] for path in nearly.paths]) == (False, ["red.jpg", "red.png"])
    assert 0.98 < nearly.similarity <= 1.001


def test_a_library_that_is_not_there_is_not_made_by_looking(tmp_path):
    with pytest.raises(showtell.BadLibrary, match="there is no library"):
        showtell.open_library(tmp_path / "nowhere", create=False)
    assert not (tmp_path / "nowhere").exists()


def test_the_default_place_is_the_users_data_folder_or_what_the_environment_says(tmp_path, monkeypatch):
    from showtell.search import default_folder

    monkeypatch.delenv("SHOWTELL_LIBRARY", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder().parts[-2:] == ("showtell", "library")
    monkeypatch.setenv("SHOWTELL_LIBRARY", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"


def test_a_calibration_says_nothing_else_than_it_was_given():
    calibrations = read_calibrations({"calibration": {"words": _words(coefficients=[-1.0, 2.0, 0.5])}})
    table = np.full((1, len(FEATURES)), np.nan)
    table[0, 2:4] = 1.0, 0.5
    [probability] = calibrations["words"].probabilities(table)
    assert probability == pytest.approx(1 / (1 + np.exp(-1.25)))
    assert calibrations["words"].fitted
    assert not calibrations["hybrid"].fitted
    assert read_calibrations({"calibration": {"words": calibrations["words"].to_dict()}}) == calibrations


@pytest.mark.parametrize(
    "settings",
    [
        {"calibration": []},
        {"calibration": {"words": []}},
        {"calibration": {"words": {"features": ["coverage"]}}},
        {"calibration": {"words": "_"}},
    ],
)
def test_a_calibration_that_cannot_be_is_refused(settings):
    with pytest.raises(ValueError, match="search"):
        read_calibrations(settings)


@pytest.mark.parametrize(
    "changes", [{"coefficients": [1.0]}, {"means": [float("nan"), 0.0]}, {"threshold": None}]
)
def test_a_calibration_with_wrong_numbers_is_refused(changes):
    with pytest.raises(ValueError, match=f"'words': '{next(iter(changes))}' must be"):
        read_calibrations({"calibration": {"words": _words(**changes)}})


def test_a_bundle_with_a_broken_calibration_is_a_bad_bundle(tmp_path):
    from tiny_bundle import write_tiny_bundle

    write_tiny_bundle(tmp_path / "model", search={"calibration": {"words": {}}})
    with showtell.open_library(tmp_path / "library", model=tmp_path / "model") as library:
        library.index(paint_all(tmp_path / "pictures"))
        with pytest.raises(BadBundle, match="export the bundle again"):
            library.find("red")


def test_a_contact_sheet_shows_what_was_found_and_nothing_from_names_or_captions_runs(colours, tmp_path):
    odd = paint(tmp_path / "pictures" / "<img src=x onerror=alert(1)>.png", "red", size=(7, 7))
    colours.index(odd.parent)
    colours.describe(odd, '"><script>alert(2)</script> red')
    found = colours.find("red")
    (tmp_path / "pictures" / "red.png").unlink()
    page = contact_sheet(found.matches, title="<b>red</b>", subtitle="&")
    assert page.count("data:image/jpeg;base64,") == 1
    assert "there is no such file" in page
    assert "<script" not in page
    assert "<img src=x" not in page
    assert "&lt;b&gt;red&lt;/b&gt;" in page
    assert odd.as_uri() in page


def _words(**changes):
    settings = {
        "method": "logistic",
        "features": list(KINDS["words"]),
        "coefficients": [0.0, 1.0, 1.0],
        "means": [0.0, 0.0],
        "threshold": 0.5,
    }
    return settings | changes
