"""What training decodes with."""

from showtell.text.vocabulary import Vocabulary
from showtell.training.evaluation import special_ids


def test_a_bilingual_model_never_says_the_start_of_the_other_language() -> None:
    vocabulary = Vocabulary.build([["a", "dog"], ["一", "狗"]], languages=("en", "zh"), minimum_count=1)
    english, chinese = (special_ids(vocabulary, language) for language in ("en", "zh"))
    assert (english.start, english.others) == (vocabulary.start_ids["en"], (vocabulary.start_ids["zh"],))
    assert (chinese.start, chinese.others) == (vocabulary.start_ids["zh"], (vocabulary.start_ids["en"],))
