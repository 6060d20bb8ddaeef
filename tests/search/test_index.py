"""Folders into a library: what is done, what is not done again, and what is never thrown away."""

import os
import shutil
import subprocess
import sys
import threading
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest
from painted import names, paint, paint_all, touch
from PIL import Image
from tiny_bundle import COLOURS, write_tiny_bundle

import showtell
from showtell.errors import BadImage, ShowtellError
from showtell.progress import Progress
from showtell.search.store import Store


def test_every_picture_gets_a_vector_and_a_caption_in_each_language(library, tmp_path):
    result = library.index(paint_all(tmp_path / "pictures"))
    assert (result.pictures, result.added, result.errors) == (5, 5, [])
    assert [caption.text for caption in library.captions(tmp_path / "pictures/red.png")] == [
        "a red picture",
        "一张红色图片",
    ]
    assert library.captions(tmp_path / "pictures/red.png")[0].confidence is not None


def test_what_has_not_changed_is_not_read_again(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    library.index(folder)
    before = (folder / "red.png").stat()
    # Other contents of the same size and time: nobody looks.
    (folder / "red.png").write_bytes(b"x" * before.st_size)
    os.utime(folder / "red.png", ns=(before.st_atime_ns, before.st_mtime_ns))
    result = library.index(folder)
    assert (result.unchanged, result.added, result.errors) == (5, 0, [])


def test_a_file_that_was_only_touched_is_not_encoded_again(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    library.index(folder)
    touch(folder / "red.png")
    result = library.index(folder)
    assert (result.unchanged, result.moved, result.added) == (4, 1, 0)


def test_a_picture_that_changed_is_encoded_again_and_the_old_one_is_forgotten(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    library.index(folder)
    paint(folder / "red.png", "blue", size=(64, 48))
    assert library.index(folder).added == 1
    assert library.captions(folder / "red.png")[0].text == "a blue picture"
    assert library.counts()["contents"] == 5
    assert names(library.find("red")) == []


def test_a_moved_or_renamed_picture_is_not_encoded_again(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    library.index(folder)
    (folder / "elsewhere").mkdir()
    (folder / "red.png").rename(folder / "elsewhere" / "scarlet.png")
    result = library.index(folder)
    assert (result.added, result.moved, result.removed) == (0, 1, 1)
    assert names(library.find("red")) == ["scarlet.png"]


def test_deleted_pictures_are_dropped(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    library.index(folder)
    (folder / "red.png").unlink()
    assert library.index(folder).removed == 1
    assert library.counts() == {
        "pictures": 4,
        "contents": 4,
        "captions": 8,
        "errors": 0,
        "described": 0,
        "screened": 0,
    }


def test_pictures_outside_the_folders_that_are_indexed_are_left_alone(library, tmp_path):
    one, other = paint_all(tmp_path / "one"), paint_all(tmp_path / "one more")
    library.index([one, other])
    shutil.rmtree(other)
    assert library.index(one).removed == 0
    assert len(library) == 10


@pytest.mark.parametrize("gone", ["root", "everything in the root", "everything in a folder"])
def test_a_disk_that_may_be_away_drops_nothing_unless_the_answer_is_yes(library, tmp_path, gone):
    root = tmp_path / "disk"
    paint_all(root / "2023")
    paint_all(root / "2024" / "May")
    if gone == "everything in a folder":
        shutil.copy(root / "2023" / "red.png", root / "top.png")
    library.index(root)
    if gone == "root":
        root.rename(tmp_path / "away")
    elif gone == "everything in the root":
        shutil.rmtree(root)
        root.mkdir()
    else:  # an empty mount point is left inside
        shutil.rmtree(root / "2024" / "May")
    before = library.counts()
    asked = []
    result = library.index(root, forget=lambda folder, pictures: asked.append((folder, pictures)))
    place, pictures = (root / "2024", 5) if gone == "everything in a folder" else (root, 10)
    assert asked == [(place, pictures)]
    assert result.kept == {str(place): pictures}
    assert (result.removed, library.counts()) == (0, before)
    assert library.index(root).kept == {str(place): pictures}
    assert library.index(root, forget=lambda folder, pictures: True).removed == pictures


def test_a_folder_that_was_deleted_beside_others_is_dropped_without_asking(library, tmp_path):
    paint_all(tmp_path / "pictures" / "2023")
    paint_all(tmp_path / "pictures" / "2024")
    library.index(tmp_path / "pictures")
    shutil.rmtree(tmp_path / "pictures" / "2024")
    result = library.index(tmp_path / "pictures")
    assert (result.removed, result.kept) == (5, {})


@pytest.fixture
def disk(tmp_path):
    """A disk of its own inside a folder of pictures."""
    point = tmp_path / "pictures" / "disk"
    point.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(point)]
    if shutil.which("mount") is None or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a disk is not permitted here")
    yield point
    subprocess.run(["umount", str(point)], capture_output=True, check=False)


def test_a_disk_whose_mount_point_went_with_it_is_asked_about(library, tmp_path, disk):
    paint_all(disk)
    paint(tmp_path / "pictures" / "red.png", "red", size=(20, 20))
    library.index(tmp_path / "pictures")
    subprocess.run(["umount", str(disk)], check=True)
    disk.rmdir()
    result = library.index(tmp_path / "pictures")
    assert (result.removed, result.kept) == (0, {str(disk): 5})
    result = library.index(disk)
    assert (result.removed, result.kept) == (0, {str(disk): 5})


def test_a_folder_that_cannot_be_read_drops_nothing(library, tmp_path, monkeypatch):
    folder = paint_all(tmp_path / "pictures" / "locked").parent
    library.index(folder)
    scan = os.scandir

    def refused(path):
        if str(path).endswith("locked"):
            raise PermissionError(13, "Permission denied", path)
        return scan(path)

    monkeypatch.setattr(os, "scandir", refused)  # the superuser of a test may read everything
    result = library.index(folder)
    assert result.errors == [(str(folder / "locked"), "the folder cannot be read (Permission denied)")]
    assert (result.removed, len(library)) == (0, 5)


def test_a_bad_picture_is_noted_and_not_tried_again_until_it_changes(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    bad = folder / "bad.jpg"
    bad.write_bytes(b"nonsense")
    first = library.index(folder)
    assert [path for path, _ in first.errors] == [str(bad)]
    assert library.errors() == first.errors
    second = library.index(folder)
    assert (second.errors, second.unreadable, second.unchanged) == ([], 1, 5)
    assert [path for path, _ in library.index(folder, retry=True).errors] == [str(bad)]
    paint(bad, "green", size=(10, 10))
    assert library.index(folder).added == 1
    assert library.errors() == []


def test_a_picture_that_could_only_not_be_opened_is_tried_again(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    (folder / "linked.png").symlink_to(folder / "missing.png")
    first = library.index(folder)
    assert [path for path, _ in first.errors] == [str(folder / "linked.png")]
    paint(folder / "missing.png", "red", size=(9, 9))
    assert library.index(folder).errors == []
    assert len(library) == 7


def test_a_broken_picture_leaves_its_neighbours_alone_in_every_batch(library, tmp_path):
    folder = tmp_path / "pictures"
    for number in range(30):
        paint(folder / f"{number:02}.png", "red", size=(number + 1, 9))
        if number % 3 == 0:
            (folder / f"{number:02}.png").write_bytes(b"\x89PNG nonsense")
    result = library.index(folder)
    assert (result.added, len(result.errors)) == (20, 10)


def test_copies_are_encoded_once_and_found_once(library, tmp_path):
    folder = tmp_path / "pictures"
    red = paint(folder / "a.png", "red")
    library.index(folder)
    for name in ("b.png", "c.png"):
        shutil.copy(red, folder / name)
    result = library.index(folder)
    assert (result.added, result.moved) == (0, 2)
    [match] = library.find("red")
    assert (Path(match.path).name, [Path(path).name for path in match.copies]) == (
        "a.png",
        ["b.png", "c.png"],
    )


def test_pictures_can_be_indexed_first_and_captioned_later(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    assert library.index(folder, captions=False).added == 5
    assert library.counts()["captions"] == 0
    assert names(library.find("红色"))[0] == "red.png"
    assert library.index(folder, captions=False).added == 0
    assert library.index(folder, languages=["zh"]).added == 5
    assert library.index(folder).added == 5
    assert library.index(folder).added == 0


def test_another_model_takes_the_place_of_the_first(library, tmp_path, searching_model):
    from tiny_bundle import graphs, search_graphs, vocabulary

    folder = paint_all(tmp_path / "pictures")
    library.index(folder)
    library.describe(folder / "red.png", "my scarf")
    words = vocabulary(("en", "zh"))
    write_tiny_bundle(
        tmp_path / "other",
        languages=("en", "zh"),
        name="other",
        files=graphs(words) | search_graphs(words),
    )
    with showtell.open_library(library.folder, model=tmp_path / "other") as again:
        assert again.find("red", anyway=True).without_vector == 5
        assert again.index(folder).added == 5
        assert again.find("red").without_vector == 0
        assert again.counts()["captions"] == 11
        assert names(again.find("scarf")) == ["red.png"]
    with showtell.open_library(library.folder) as remembered:
        assert remembered.index(folder).unchanged == 5


def test_a_folder_that_is_called_as_a_model_that_ships_is_not_that_model(tmp_path, monkeypatch):
    (tmp_path / "base").mkdir()  # a run, say
    monkeypatch.chdir(tmp_path)
    paint(tmp_path / "pictures" / "red.png", "red")
    with showtell.open_library(tmp_path / "library", model="base") as opened:
        assert opened.index(tmp_path / "pictures", captions=False).added == 1


def test_a_model_without_an_embedder_gives_captions_alone(words_only, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    assert words_only.index(folder).added == 5
    assert words_only.index(folder).unchanged == 5
    with pytest.raises(ShowtellError, match="makes captions alone"):
        words_only.index(folder, captions=False)


def test_a_language_that_the_model_does_not_speak_is_refused(library, tmp_path):
    with pytest.raises(ShowtellError, match="does not caption in 'fr'; it captions in en and zh"):
        library.index(tmp_path, languages=["fr"])


def test_single_files_and_overlapping_folders_are_counted_once(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    result = library.index([folder / "red.png", folder, tmp_path])
    assert (result.pictures, result.added) == (5, 5)


def test_hidden_files_links_to_folders_and_pipes_are_passed_over(library, tmp_path):
    folder = tmp_path / "pictures"
    paint(folder / ".hidden.png", "red")
    paint(folder / ".thumbnails" / "red.png", "red")
    paint(tmp_path / "elsewhere" / "red.png", "red")
    (folder / "link").symlink_to(tmp_path / "elsewhere")
    os.mkfifo(folder / "pipe.jpg")
    (folder / "notes.txt").write_text("no picture")
    result = library.index(folder)
    assert (result.pictures, result.errors) == (0, [(str(folder / "pipe.jpg"), "this is not a regular file")])


def test_files_that_look_like_pictures_but_are_not_read_are_counted(library, tmp_path):
    folder = paint_all(tmp_path / "pictures")
    (folder / "raw.cr2").write_bytes(b"raw")
    (folder / "film.mp4").write_bytes(b"film")
    result = library.index(folder)
    assert result.pictures == 5
    assert dict(result.passed_over) == {"camera's raw file": 1, "video": 1}


def test_folders_may_be_deeper_than_python_calls(library, tmp_path):
    deep = tmp_path
    for _ in range(sys.getrecursionlimit() // 2):
        deep = deep / "d"
    os.makedirs(deep)
    paint(deep / "red.png", "red")
    assert library.index(tmp_path).added == 1


def test_a_path_that_never_was_there_is_an_error(library, tmp_path):
    result = library.index(tmp_path / "nowhere")
    assert result.errors == [(str(tmp_path / "nowhere"), "there is no such file or folder")]


def test_odd_names_are_kept(library, tmp_path):
    folder = tmp_path / "pictures"
    folder.mkdir()
    odd = [os.fsdecode(b"\xff\xfe.png"), "with\nnewline.png", "it's 100%_.png", "红.png"]
    for number, name in enumerate(odd):
        paint(folder / name, "red", size=(9, number + 1))
    assert library.index(folder).added == 4
    assert sorted(names(library.find("red"))) == sorted(odd)


def test_the_time_and_the_size_of_a_picture_are_what_people_see(library, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # turned
    exif.get_ifd(0x8769)[0x9003] = "2020:02:29 12:00:00"
    paint(tmp_path / "turned.jpg", "red", exif=exif)
    paint(tmp_path / "plain.jpg", "red", size=(12, 34))
    library.index(tmp_path)
    assert names(library.find("red", since="2020-02-29", until="2020-02")) == ["turned.jpg"]
    assert names(library.find("red", since="2020-03")) == ["plain.jpg"]
    rows = Store(library.folder).rows("SELECT width, height FROM contents ORDER BY width")
    assert rows == [(12, 34), (30, 40)]


def test_progress_counts_what_is_written_down_and_ends_at_all(library, tmp_path):
    folder = tmp_path / "pictures"
    for number in range(30):
        paint(folder / f"{number:02}.png", "red", size=(number + 1, 9))
    totals, steps = [], []

    def advance(count):
        steps.append(count)
        assert library.counts()["pictures"] == sum(steps)

    @contextmanager
    def bar(total, _):
        totals.append(total)
        yield advance

    library.index(folder, progress=Progress(bar=bar))
    assert totals == [30]
    assert sum(steps) == 30
    assert all(steps)


def test_an_interrupt_keeps_what_is_done(library, tmp_path):
    folder = tmp_path / "pictures"
    for number in range(60):
        paint(folder / f"{number:02}.png", "red", size=(number + 1, 9))

    def interrupted(count):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        library.index(folder, progress=Progress(bar=lambda *_: nullcontext(interrupted)))
    done = len(library)
    assert 0 < done < 60
    result = library.index(folder)
    assert (result.unchanged, result.added) == (done, 60 - done)


def test_two_indexers_at_once_do_no_harm(library, tmp_path, searching_model):
    folder = tmp_path / "pictures"
    for number in range(80):
        paint(folder / f"{number:02}.png", list(COLOURS)[number % 5], size=(number + 1, 9))
    code = (
        "import sys, showtell\n"
        f"library = showtell.open_library({str(library.folder)!r}, model={str(searching_model)!r})\n"
        f"result = library.index({str(folder)!r})\n"
        "assert not result.errors and result.added + result.unchanged + result.moved == 80, result\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) for _ in range(2)]
    threads = [threading.Thread(target=library.index, args=(folder,)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    errors = [process.communicate()[1].decode() for process in processes]
    assert errors == ["", ""]
    counts = library.counts()
    assert (counts["pictures"], counts["contents"], counts["captions"]) == (80, 80, 160)
    assert Store(library.folder).rows("SELECT count(*), count(DISTINCT content_id) FROM vectors") == [
        (80, 80)
    ]
    assert Store(library.folder).rows("SELECT count(*) FROM words") == [(80,)]


def test_describing_a_picture_needs_one(library, tmp_path):
    with pytest.raises(BadImage, match="there is no such file"):
        library.describe(tmp_path / "nowhere.jpg", "words")
    (tmp_path / "bad.jpg").write_bytes(b"nonsense")
    with pytest.raises(BadImage, match=r"bad\.jpg"):
        library.describe(tmp_path / "bad.jpg", "words")
    with pytest.raises(ShowtellError, match="no words"):
        library.describe(paint(tmp_path / "red.png", "red"), " \n")


def test_a_picture_may_be_described_before_it_is_indexed(library, tmp_path):
    red = paint(tmp_path / "pictures" / "red.png", "red")
    library.describe(red, "my  scarf\n")
    assert [caption.text for caption in library.captions(red)] == ["my scarf"]
    assert library.index(red.parent).added == 1
    assert [caption.text for caption in library.captions(red)] == [
        "my scarf",
        "a red picture",
        "一张红色图片",
    ]


def test_indexing_never_overwrites_a_persons_words(library, tmp_path):
    red = paint(tmp_path / "pictures" / "red.png", "red")
    library.index(red.parent)
    library.describe(red, "my scarf")
    touch(red)
    library.index(red.parent)
    red.rename(red.with_name("moved.png"))
    library.index(red.parent)
    paint(red.with_name("moved.png"), "red", size=(99, 99))
    library.index(red.parent, retry=True)
    assert library.captions(red.with_name("moved.png"))[0].text == "my scarf"
    library.describe(red.with_name("moved.png"), "my hat")
    assert library.captions(red.with_name("moved.png"))[0].text == "my hat"


def test_a_persons_words_survive_the_deletion_of_the_file(library, tmp_path):
    red = paint(tmp_path / "pictures" / "red.png", "red")
    paint(tmp_path / "pictures" / "blue.png", "blue")
    library.index(red.parent)
    library.describe(red, "my scarf")
    content = red.read_bytes()
    red.unlink()
    assert library.index(red.parent).removed == 1
    assert names(library.find("scarf")) == []
    red.write_bytes(content)
    library.index(red.parent)
    assert names(library.find("scarf")) == ["red.png"]


def test_a_picture_that_changed_since_it_was_indexed_can_be_described(library, tmp_path):
    red = paint(tmp_path / "pictures" / "red.png", "red")
    library.index(red.parent)
    paint(red, "blue")
    library.describe(red, "the sea")
    assert library.captions(red)[0].text == "the sea"


def test_a_persons_words_can_be_taken_back(library, tmp_path):
    red = paint(tmp_path / "pictures" / "red.png", "red")
    library.index(red.parent)
    assert library.describe(red, "my scarf") is None
    assert library.describe(red, "my hat") == "my scarf"
    assert library.undescribe(red, "zh") is None
    assert library.undescribe(red, "en") == "my hat"
    assert library.captions(red)[0].text == "a red picture"
    assert names(library.find("hat")) == []
    assert library.undescribe(tmp_path / "nowhere.jpg", "en") is None
