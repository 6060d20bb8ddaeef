"""Take the pictures of the page and the window anew.

Usage: xvfb-run -a -s '-screen 0 1280x900x24' python docs/pictures/screens.py [FOLDER]

Needs the extras server and dev, and chromium. Look at what it has taken before keeping it.
"""

import os
import sys
import tempfile
import time
from pathlib import Path

from PIL import Image, ImageGrab
from playwright.sync_api import sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
TARGET = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE
EXAMPLES = [ROOT / "examples" / name for name in ("cat_on_desk.jpg", "astronaut.jpg")]
sys.path += [str(ROOT / "tests"), str(ROOT / "tests/apps")]


def smaller(picture: Image.Image, name: str) -> None:
    """Keep a screenshot in few bytes."""
    picture.convert("RGB").save(TARGET / f"{name}.jpg", quality=85, optimize=True)


def page(folder: Path) -> None:
    """The page on a screen, and on a phone in the dark in Chinese."""
    from serving import serving

    with serving("base", folder) as (_, running), sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, size, scheme, locale in (
            ("page", (1100, 1000), "light", "en-GB"),
            ("page-phone", (390, 1000), "dark", "zh-CN"),
        ):
            phone = name == "page-phone"
            context = browser.new_context(
                viewport={"width": size[0], "height": size[1]},
                color_scheme=scheme,
                locale=locale,
                has_touch=phone,
                is_mobile=phone,
            )
            opened = context.new_page()
            opened.goto(running.url)
            opened.wait_for_selector("#about:has-text('base')")
            opened.set_input_files("#files", [str(path) for path in EXAMPLES])
            opened.wait_for_selector(".caption >> nth=1")
            while opened.locator(".card.busy").count():
                time.sleep(0.1)
            others, word = opened.locator(".card summary").first, opened.locator(".caption span").nth(1)
            for do in (others.tap, word.tap) if phone else (others.click, word.hover):
                do()
            opened.wait_for_selector("canvas:visible")
            time.sleep(0.5)
            opened.screenshot(path=folder / f"{name}.png")
            smaller(Image.open(folder / f"{name}.png"), name)
            context.close()
        browser.close()


def window(folder: Path) -> None:
    """The window with the examples."""
    from showtell.apps.desktop.settings import Settings
    from showtell.apps.desktop.window import Window, new_root
    from showtell.apps.service import open_service

    os.environ["SHOWTELL_SETTINGS"] = str(folder / "settings.json")
    opened = Window(
        new_root(),
        lambda library: open_service("base", feedback=folder / "window.sqlite"),
        settings=Settings(language="en", geometry="1100x760+0+0"),
        scale=1.0,
    )

    def wait(until):
        while not until():
            opened.root.update()
            time.sleep(0.01)

    opened.open([ROOT / "examples"])
    wait(lambda: opened.listing.pictures and all(one.described for one in opened.listing.pictures.values()))
    later = time.monotonic() + 1
    wait(lambda: time.monotonic() > later)
    pane = next(iter(opened.chosen.panes.values()))
    x, y, _, _ = pane.text.bbox("1.3")
    pane.text.event_generate("<Motion>", x=x + 3, y=y + 3)
    wait(lambda: opened.chosen.view.lit is not None)
    opened.root.update()
    smaller(ImageGrab.grab((0, 0, 1100, 760), xdisplay=os.environ["DISPLAY"]), "window")
    opened.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        page(Path(place))
        window(Path(place))
