"""The tiny bundle looks at the brightest quarter of a picture, and says what colour the picture has."""

import json
from typing import get_args

import numpy as np
import pytest
from PIL import Image, ImageFont

import showtell
from showtell.captioning import explain as explaining
from showtell.captioning import fonts
from showtell.captioning.explain import Explanation, draw_explanation, explain, grid_area, highlighted
from showtell.errors import ShowtellError
from showtell.images import Fit

CHINESE = "一张白色图片"


@pytest.fixture(scope="module")
def captioner(tiny_model):
    return showtell.load(tiny_model)


def lit(row, column):
    """Black, but for one quarter."""
    picture = np.zeros((60, 100, 3), np.uint8)
    picture[30 * row : 30 * row + 30, 50 * column : 50 * column + 50] = 255
    return picture


def brightness_of_quarters(tile):
    halves = np.asarray(tile.convert("L"), np.float32)
    height, width = halves.shape
    return halves.reshape(2, height // 2, 2, width // 2).mean(axis=(1, 3))


@pytest.mark.parametrize(("row", "column"), [(0, 0), (0, 1), (1, 0), (1, 1)])
def test_a_map_is_bright_where_the_word_looked(captioner, row, column):
    found = explain(captioner, lit(row, column))
    assert found.maps.shape == (len(found.words), 2, 2)
    for cells in found.maps:
        assert cells.sum() == pytest.approx(1, abs=1e-4)
        assert np.unravel_index(cells.argmax(), (2, 2)) == (row, column)


def test_what_a_word_did_not_look_at_loses_light_and_colour():
    picture = Image.new("RGB", (80, 40), (200, 100, 0))
    tile = highlighted(picture, np.array([[1, 0], [0, 0]], np.float32), (0.0, 0.0, 1.0, 1.0))
    assert tile.getpixel((0, 0)) == (200, 100, 0)
    red, green, blue = tile.getpixel((79, 39))
    assert red == green == blue < 100
    assert brightness_of_quarters(tile).argmax() == 0


@pytest.mark.parametrize(
    ("fit", "area"),
    [
        ("squeeze", (0, 0, 1, 1)),
        ("crop", (0.25, 0, 0.75, 1)),
        ("pad", (0, -0.5, 1, 1.5)),
        ("limited", (0, -1 / 6, 1, 7 / 6)),
    ],
)
def test_the_grid_covers_what_the_encoder_saw(fit, area):
    assert grid_area(200, 100, fit) == pytest.approx(area)


@pytest.mark.parametrize(
    ("area", "seen", "unseen"),
    [
        ((0.25, 0.0, 0.75, 1.0), (100, 50), (20, 50)),  # cropped: the sides were never looked at
        ((0.0, -0.5, 1.0, 1.5), (10, 10), None),  # padded: the whole picture was
    ],
)
def test_what_the_encoder_never_saw_stays_dark(area, seen, unseen):
    picture = Image.new("RGB", (200, 100), (0, 200, 0))
    tile = highlighted(picture, np.full((2, 2), 0.25, np.float32), area)
    assert tile.getpixel(seen) == (0, 200, 0)
    if unseen:
        assert tile.getpixel(unseen) != (0, 200, 0)


def test_the_sheet_has_a_tile_for_the_picture_and_one_for_each_word(captioner):
    found = explain(captioner, lit(0, 0))
    assert len(found.words) == 3
    sheet = draw_explanation(found)
    tile = explaining.TILE + explaining.MARGIN
    assert sheet.width == explaining.MARGIN + 4 * tile


def test_long_captions_fill_rows_evenly_and_long_lines_are_broken():
    words = tuple(f"extraordinarily{number}" for number in range(13))
    picture, maps = np.full((50, 50, 3), 99, np.uint8), np.full((13, 2, 2), 0.25, np.float32)
    sheet = draw_explanation(Explanation(" ".join(words), "en", words, picture, maps, (0.0, 0.0, 1.0, 1.0)))
    columns = 5  # 14 tiles in 3 rows
    assert sheet.width == explaining.MARGIN + columns * (explaining.TILE + explaining.MARGIN)


@pytest.mark.parametrize("shape", [(1, 3000), (3000, 1), (1, 1)])
@pytest.mark.parametrize("fit", get_args(Fit))
def test_pictures_of_any_shape_are_drawn(shape, fit):
    words = ("a", "white", "picture")
    picture, maps = np.zeros((*shape, 3), np.uint8), np.full((3, 2, 2), 0.25, np.float32)
    area = grid_area(shape[1], shape[0], fit)
    assert (
        draw_explanation(Explanation(" ".join(words), "en", words, picture, maps, area)).width
        > explaining.TILE / 2
    )


def test_the_picture_is_shown_as_people_see_it(captioner, tmp_path):
    turned = Image.fromarray(lit(0, 0))
    exif = turned.getexif()
    exif[0x0112] = 6  # to be turned a quarter clockwise: the bright quarter comes to the upper right
    turned.save(tmp_path / "turned.jpg", exif=exif)
    found = explain(captioner, tmp_path / "turned.jpg")
    assert found.picture.shape == (100, 60, 3)
    assert found.maps[0].argmax() == 1


def test_json_holds_a_map_for_each_word(captioner):
    told = json.loads(json.dumps(explain(captioner, lit(1, 0), language="zh").to_dict()))
    assert told["language"] == "zh"
    assert told["area"] == [0, 0, 1, 1]
    assert "".join(word["word"] for word in told["words"]) == told["caption"]
    assert np.shape([word["map"] for word in told["words"]]) == (len(told["words"]), 2, 2)


def test_without_attention_a_word_looked_where_covering_makes_it_less_probable(captioner):
    # All quarters are as bright, so that the tiny bundle attends to all alike; the red is in the left half.
    picture = np.full((70, 70, 3), 85, np.uint8)
    picture[:, :35] = (255, 0, 0)
    found = explain(captioner, picture)
    assert found.method == "occlusion"
    assert found.maps.shape == (len(found.words), explaining.OCCLUDED, explaining.OCCLUDED)
    assert found.maps.sum(axis=(1, 2)) == pytest.approx(1, abs=1e-4)
    colour = found.maps[1]
    half = explaining.OCCLUDED // 2
    left, right = colour[:, :half].sum(), colour[:, half + 1 :].sum()
    assert found.words[1] == "red"
    assert left > 20 * right


def test_a_word_that_needs_no_part_of_the_picture_looked_everywhere_alike(captioner):
    found = explain(captioner, np.full((40, 40, 3), 200, np.uint8))
    assert found.method == "occlusion"
    np.testing.assert_allclose(found.maps[0], 1 / explaining.OCCLUDED**2, rtol=1e-3)  # "a": whatever is seen


def test_chinese_without_a_font_asks_for_one(captioner, monkeypatch):
    found = explain(captioner, lit(0, 0), language="zh")
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("no such font.ttf",))
    with pytest.raises(ShowtellError, match="--font"):
        draw_explanation(found)


def test_a_font_that_is_given_is_used(captioner, tmp_path):
    found = explain(captioner, lit(0, 0))
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    for name in ("broken.ttf", "missing.ttf"):
        with pytest.raises(ShowtellError, match=f"{name}: cannot be read as a font"):
            draw_explanation(found, font=tmp_path / name)
    try:
        installed = ImageFont.truetype("DejaVuSerif-Bold.ttf").path
    except OSError:
        pytest.skip("DejaVu is not installed")
    given = np.asarray(draw_explanation(found, font=installed))
    assert (given != np.asarray(draw_explanation(found))).any()


def test_a_font_without_the_characters_is_refused_before_it_draws_boxes(captioner):
    found = explain(captioner, lit(0, 0), language="zh")
    try:
        latin = ImageFont.truetype("DejaVuSans.ttf").path
    except OSError:
        pytest.skip("DejaVu is not installed")
    with pytest.raises(ShowtellError, match="this font has no '一'; name another with --font"):
        draw_explanation(found, font=latin)


def test_an_installed_font_without_the_characters_counts_as_none(captioner, monkeypatch):
    found = explain(captioner, lit(0, 0), language="zh")
    monkeypatch.setattr(fonts, "CHINESE_FONTS", ("DejaVuSans.ttf",))
    with pytest.raises(ShowtellError, match="install one"):
        draw_explanation(found)


def test_chinese_is_drawn_with_a_font_that_has_it_where_one_is_installed(captioner):
    if not any(fonts.installed(name, 18) for name in fonts.CHINESE_FONTS):
        pytest.skip("no Chinese font is installed")
    found = explain(captioner, lit(0, 0), language="zh")
    font = fonts.find_font(found.text, 18, None)
    assert not fonts.lacking(font, CHINESE)
    assert draw_explanation(found).width > explaining.TILE


def test_chinese_is_broken_between_characters():
    font = ImageFont.load_default(18)
    assert "".join(fonts.wrapped(CHINESE, font, 40)) == CHINESE
    assert len(fonts.wrapped(CHINESE, font, 40)) > 1
