"""Folders are walked as people have them, and what is passed over is told by kind."""

import os

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from scenes import quarters, stored

from showtell.errors import BadImage
from showtell.images import Found, find_pictures, folders, passed_over_sentences

READ = "a.jpg b.JPEG c.jpe d.jfif e.png f.APNG g.gif h.bmp i.tif j.tiff k.webp l.MPO m.pjpeg n.dib o.avif".split()


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def made(folder, *names, content=b""):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def test_every_kind_that_is_read_is_walked(here, monkeypatch):
    monkeypatch.setattr(folders, "reads_avif", lambda: True)
    monkeypatch.setattr(folders, "reads_heic", lambda: True)
    names = sorted([*READ, "p.heic", "q.HEIF", "r.hif"])
    made(here, *names)
    assert find_pictures(["."]) == Found(files=names)


def test_a_folder_is_walked_in_sorted_order_and_folders_stand_where_their_names_do(here):
    made(here, "b.png", "a.JPEG", ".hidden.png", "b/z.gif", "b/.thumbs/t.png", "a.b/c.tiff")
    assert find_pictures(["."]).files == ["a.JPEG", "b.png"]
    assert find_pictures(["."], recursive=True).files == ["a.JPEG", "a.b/c.tiff", "b/z.gif", "b.png"]


def test_paths_are_taken_in_the_order_given_and_files_as_they_are(here):
    made(here, "b/1.png", "a/2.png", "notes.txt")
    asked = ["b", "notes.txt", "missing.jpg", "a", "b"]
    assert find_pictures(asked).files == ["b/1.png", "notes.txt", "missing.jpg", "a/2.png", "b/1.png"]


def test_what_looks_like_a_picture_and_is_passed_over_is_told_by_kind(here, monkeypatch):
    monkeypatch.setattr(folders, "reads_avif", lambda: False)
    monkeypatch.setattr(folders, "reads_heic", lambda: False)
    made(
        here,
        "1.HEIC",
        "2.heic",
        "3.heif",
        "a.avif",
        "a.mov",
        "b.MP4",
        "c.dng",
        "d.CR2",
        "e.svg",
        "f.psd",
        "g.jxl",
    )
    made(here, "h.jp2", "i.tga", "j.ppm", "k.ico", "notes.txt", "photo.txt", "Thumbs.db", ".hidden.heic")
    made(here, "IMG_0001", "photo.jpg_large", content=stored(quarters(), "JPEG"))
    made(here, "deeper/x.mov")
    (here / "again").symlink_to(here)
    found = find_pictures(["."])
    assert found.files == []
    assert found.others == {"file": 3, "folder": 1, "link to a folder": 1}
    assert found.empty == {".": True}
    assert sorted(passed_over_sentences(found.passed_over)) == [
        "1 AVIF file passed over: pip install --upgrade pillow",
        "1 JPEG 2000 file passed over",
        "1 JPEG XL file passed over",
        "1 drawing passed over",
        "1 icon passed over",
        "1 layered document passed over",
        "2 camera's raw files passed over",
        "2 pictures of a kind that is not read passed over",
        "2 pictures with another file's ending passed over: name them .jpg, .png and so on",
        "2 videos passed over",
        "3 HEIC files passed over: pip install 'showtell[heic]'",
    ]
    assert find_pictures(["."], recursive=True).passed_over["video"] == 3


def test_a_folder_is_not_empty_for_what_other_folders_hold(here):
    made(here, "a/x.png", "b/notes.txt", "c/d/y.png")
    found = find_pictures(["a", "b", "c"])
    assert found.empty == {"b": False, "c": True}


@pytest.mark.parametrize("depth", [1100, 1900])
def test_folders_may_be_deeper_than_pythons_stack(here, depth):
    descriptor = os.open(".", os.O_RDONLY)
    for _ in range(depth):
        os.mkdir("d", dir_fd=descriptor)
        below = os.open("d", os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(os.open("x.png", os.O_CREAT | os.O_WRONLY, dir_fd=descriptor))
    os.close(descriptor)
    found = find_pictures(["."], recursive=True)
    assert found.files == ["d/" * depth + "x.png"]
    assert found.unreadable == []
    os.system("rm -rf d")


def test_a_folder_whose_path_is_too_long_is_told_of(here):
    descriptor = os.open(".", os.O_RDONLY)
    for _ in range(20):
        os.mkdir("d" * 250, dir_fd=descriptor)
        below = os.open("d" * 250, os.O_RDONLY, dir_fd=descriptor)
        os.close(descriptor)
        descriptor = below
    os.close(descriptor)
    [error] = find_pictures(["."], recursive=True).unreadable
    assert isinstance(error, BadImage)
    assert error.reason == "the folder cannot be read (File name too long)"
    os.system("rm -rf d*")


# --- Windows ---


@pytest.fixture
def windows(here, monkeypatch):
    monkeypatch.setattr(folders, "WINDOWS", True)
    return here


def test_on_windows_patterns_are_expanded_because_no_shell_does_it(windows):
    made(windows, "b.jpg", "a.jpg", "c.png", ".hidden.jpg", "photos/d.jpg")
    assert find_pictures(["*.jpg"]).files == ["a.jpg", "b.jpg"]
    assert find_pictures(["?.png", "photos/*"]).files == ["c.png", "photos/d.jpg"]
    assert find_pictures(["[ab].jpg"]).files == ["a.jpg", "b.jpg"]
    assert find_pictures(["p*"]).files == ["photos/d.jpg"]  # a folder that matches is walked


def test_on_windows_a_pattern_that_matches_nothing_is_named(windows):
    assert find_pictures(["*.gif"]).files == ["*.gif"]


def test_on_windows_a_file_whose_name_looks_like_a_pattern_is_itself(windows):
    made(windows, "cat[1].jpg", "cat1.jpg")
    assert find_pictures(["cat[1].jpg"]).files == ["cat[1].jpg"]


def test_elsewhere_the_shell_has_expanded_what_it_should(here):
    made(here, "a.jpg")
    assert find_pictures(["*.jpg"]).files == ["*.jpg"]


def test_what_explain_drew_is_passed_over_and_what_is_only_called_so_is_not(here):
    made(here, "a.jpg", "b_explained.png", content=stored(quarters(), "PNG"))
    drawn = PngInfo()
    drawn.add_text("Software", folders.EXPLAINED_BY)
    Image.fromarray(quarters()).save(here / "a_explained.png", pnginfo=drawn)
    found = find_pictures(["."])
    assert found.files == ["a.jpg", "b_explained.png"]
    assert passed_over_sentences(found.passed_over) == ["1 picture by showtell explain passed over"]
    assert find_pictures(["a_explained.png"]).files == ["a_explained.png"]
