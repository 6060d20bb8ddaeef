"""A library, and a service, with a captioner that is no bundle: the example of docs/models.md."""

import re
from pathlib import Path

import pytest
from painted import names, paint

import showtell
from showtell.apps.service import BadOption, Service
from showtell.errors import ShowtellError

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "models.md"


@pytest.fixture
def captioner():
    [example] = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    known = {}
    exec(example, known)
    return known["Brightness"]()


@pytest.fixture
def pictures(tmp_path):
    for name in ("white", "black"):
        paint(tmp_path / "pictures" / f"{name}.png", name)
    return tmp_path / "pictures"


def test_a_library_is_indexed_and_searched_by_its_captions(captioner, pictures, tmp_path):
    with showtell.open_library(tmp_path / "library", model=captioner) as library:
        indexed = library.index(pictures)
        assert indexed.added == 2
        assert names(library.find("bright")) == ["white.png"]
        assert library.find("zebra").nothing
        assert library.index(pictures).added == 0
        with pytest.raises(ShowtellError, match="no vectors"):
            library.find(like=pictures / "white.png")
        with pytest.raises(ShowtellError, match="leave out rerank"):
            library.find("bright", rerank=True)
        with pytest.raises(ShowtellError, match="does not caption in 'zh'"):
            library.index(pictures, languages=["zh"])


def test_its_words_stay_when_the_library_is_opened_with_a_bundle(captioner, pictures, tmp_path, tiny_model):
    with showtell.open_library(tmp_path / "library", model=captioner) as library:
        library.index(pictures)
    with showtell.open_library(tmp_path / "library", model=tiny_model) as library:
        assert names(library.find("bright")) == ["white.png"]


def test_a_service_captions_with_it_and_does_not_explain(captioner, pictures):
    with Service(captioner) as service:
        [caption] = service.caption(pictures / "white.png").captions
        assert caption.text == "a bright picture"
        assert service.card() == ""
        with pytest.raises(BadOption, match="does not explain"):
            service.explain(pictures / "white.png")
