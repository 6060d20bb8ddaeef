"""What a run is validated on."""

from pathlib import Path

import pytest

from showtell.corpora import Corpus, Example, Reference
from showtell.errors import BadCorpus

pytest.importorskip("torch")


def example(name: str, *said: tuple[str, str]) -> Example:
    return Example(name, Path(name), tuple(Reference(text, "en", source) for text, source in said), "dev")


def test_dev_pictures_are_those_that_people_described() -> None:
    from showtell.training.engine.validation import dev_examples

    one = example("one", ("A dog .", "people"), ("a dog far away", "model"))
    other = example("other", ("a cat", "model"))
    assert dev_examples(Corpus("animals", (one, other)), "en") == [one]
    with pytest.raises(BadCorpus, match="never scored against; training needs some in the dev split"):
        dev_examples(Corpus("animals", (other,)), "en")
