"""Alternative texts: what is wrong with them, and where they stand in a page."""

import pytest

from showtell.images.alt_text import language_of_page, pictures_in_page, problem_of, problems_in_page


@pytest.mark.parametrize(
    ("alt", "name", "said"),
    [
        (None, "", "missing"),
        ("  ", "", "blank"),
        ("IMG_1234.JPG", "", "file name"),
        ("DSC00012", "", "file name"),
        ("my-summer_trip", "photos/my summer trip.jpeg", "file name"),
        ("photo", "", "says nothing"),
        ("Image of a dog", "", "begins with 'Image of'"),
        ("a picture showing a dog", "", "begins with"),
        ("This is a photo of a dog", "", "begins with"),
        ("图片显示一只狗", "", "begins with"),
        ("dog " * 100, "", "too long"),
        ("", "", None),
        ("a dog", "dogs.jpg", None),
        ("Photographers at work", "", None),
        ("A picture frame on a wall", "", None),
        ("an image processing diagram", "", None),
        ("a dog.", "a.png", None),
        ("一只狗", "", None),
    ],
)
def test_what_is_wrong_with_a_text(alt, name, said):
    problem = problem_of(alt, name)
    assert (problem is None) if said is None else (said in problem)


def problems(html):
    return [(picture.source, problem) for picture, problem in problems_in_page(pictures_in_page(html))]


def test_a_page_with_every_fault():
    page = """<!doctype html><html LANG='zh-CN'><body>
    <img src=a.jpg><IMG SRC="b.jpg" ALT="a &amp; b">
    <img src="c.jpg" alt="c.jpg"/><input type="image" src="d.png">
    <a href="/"><img src=e.png alt=""></a><a href="/"><img src=f.png alt=""> Home</a>
    <a href="/" aria-label="Home"><img src=g.png alt=""></a>
    <img src=h.png alt="dogs"><img src=i.png alt="dogs"><img src=j.png alt="cats"><img src=j.png alt="cats">
    <img src=k.png aria-label="a horse"><img src=l.png role=presentation><img src=m.png alt>
    <!-- <img src=hidden.png> --><script>"<img src=none.png>"</script><noscript><img data-src=n.png></noscript>
    """
    assert language_of_page(page) == "zh"
    found = problems(page)
    assert [source for source, _ in found] == ["a.jpg", "c.jpg", "d.png", "e.png", "h.png", "i.png", "n.png"]
    assert pictures_in_page(page)[1].alt == "a & b"
    assert [picture.line for picture in pictures_in_page(page)][:4] == [2, 2, 3, 3]


@pytest.mark.parametrize(
    ("source", "content"),
    [
        ("a.jpg", "site/a.jpg"),
        ("../a%20b.jpg?w=3#x", "site/../a b.jpg"),
        ("https://example.com/a.jpg", None),
        ("//example.com/a.jpg", None),
        ("/a.jpg", None),
        ("file:///etc/passwd", None),
        ("data:image/png;base64,aGk=", b"hi"),
        ("data:image/svg+xml,<svg/>", None),
        ("data:image/png;base64,a", None),
        ("", None),
        ("http://[", None),
    ],
)
def test_what_of_a_page_lies_on_this_machine(source, content, tmp_path):
    from pathlib import Path

    [picture] = pictures_in_page(f'<img src="{source}">')
    assert picture.content(Path("site/index.html")) == content


@pytest.mark.parametrize(
    "page", ["", "<", "<img", "<img src=", "<a><a></a></a></a>", "\0<img src=a>", "<![CDATA["]
)
def test_broken_pages_end(page):
    pictures_in_page(page)


def test_a_large_page_takes_no_time_that_grows_with_its_square():
    page = "<a href=x>" * 50_000 + "<img src=a alt='b'>" * 50_000
    assert len(problems(page)) == 0
