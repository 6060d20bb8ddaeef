"""Each known mistake has its warning, and honest captions have none."""

import pytest

from showtell.metrics import score

REFERENCES = {str(i): [f"a dog number{i} runs fast", f"dog number{i} is running there"] for i in range(120)}
HONEST = {str(i): f"the dog number{i} runs" for i in range(120)}


def warnings(candidates, references=REFERENCES, **how):
    return score(candidates, references, resamples=0, **how).warnings


def test_honest_captions_are_not_warned_about():
    assert warnings(HONEST) == ()


def test_characters_given_where_words_were_meant():
    spelled = {name: " ".join(caption.replace(" ", "")) for name, caption in HONEST.items()}
    (warning,) = warnings(spelled)
    assert "120 of 120 candidates are single characters where words were meant" in warning
    both = {name: [" ".join(caption) for caption in group] for name, group in REFERENCES.items()}
    assert any("240 of 240 references are single characters" in warning for warning in warnings(HONEST, both))


def test_chinese_characters_are_words_enough():
    references = {str(i): [f"一只狗在跑步{i}号"] for i in range(120)}
    assert (
        warnings({n: f"狗在跑{n}" for n in references}, references, language="zh", tokeniser="characters")
        == ()
    )


@pytest.mark.parametrize(
    "marker",
    [
        "startseq {} endseq",
        "<start> {} <end>",
        "<s>{}</s>",
        "{} <eos>",
        "[CLS] {} [SEP]",
        "{} <pad> <pad>",
        "<|startoftext|>{}<|endoftext|>",
        "STARTSEQ {}",
        "start_seq {}",
    ],
)
def test_start_and_end_markers_left_in(marker):
    marked = {name: marker.format(caption) for name, caption in HONEST.items()}
    assert any("120 of 120 candidates hold start or end markers" in warning for warning in warnings(marked))


def test_the_word_start_is_no_marker():
    assert warnings({name: caption + " at the start" for name, caption in HONEST.items()}) == ()


def test_markers_in_references_too():
    marked = {name: [f"<start> {group[0]} <end>", group[1]] for name, group in REFERENCES.items()}
    assert any(
        "120 of 240 references hold start or end markers" in warning for warning in warnings(HONEST, marked)
    )


def test_candidates_that_stand_among_their_references():
    copied = {name: REFERENCES[name][0] if int(name) < 20 else caption for name, caption in HONEST.items()}
    (warning,) = warnings(copied)
    assert "20 of 120 candidates are word for word one of their own references (0, 1, 2, 3, 4, …)" in warning
    assert "more than 10%" in warning
    few = {name: REFERENCES[name][0] if int(name) < 10 else caption for name, caption in HONEST.items()}
    assert warnings(few) == ()


def test_the_same_caption_everywhere():
    (warning,) = warnings(dict.fromkeys(REFERENCES, "a man in a red shirt"))
    assert "'a man in a red shirt') stands for 120 of 120 pictures" in warning
    most = {name: "a man in a red shirt" if int(name) < 80 else caption for name, caption in HONEST.items()}
    assert "stands for 80 of 120 pictures" in warnings(most)[0]


def test_a_picture_that_lost_references():
    fewer = {**REFERENCES, "7": REFERENCES["7"][:1]}
    (warning,) = warnings(HONEST, fewer)
    assert warning.startswith("1 of 120 pictures have fewer than the usual 2 references (7)")


def test_varying_numbers_of_references_are_nothing_strange():
    varying = {name: group[: 1 + int(name) % 2] for name, group in REFERENCES.items()}
    assert warnings(HONEST, varying) == ()


def test_candidates_without_words():
    (warning,) = warnings({**HONEST, "3": "", "4": " . "})
    assert warning == "2 of 120 candidates have no words (3, 4)"


def test_few_pictures_without_a_file_of_document_frequencies():
    few = {name: HONEST[name] for name in list(HONEST)[:99]}
    (warning,) = warnings(few, {name: REFERENCES[name] for name in few})
    assert "from 99 pictures, which are too few" in warning
    assert warnings(few, {name: REFERENCES[name] for name in few}, metrics=["BLEU"]) == ()


def test_a_caption_given_in_the_place_of_a_list_of_captions():
    apart = {name: list(group[0]) for name, group in REFERENCES.items()}
    assert any(
        "the references of 120 of 120 pictures are single characters" in warning
        for warning in warnings(HONEST, apart)
    )


def test_chinese_scored_as_english():
    references = {str(i): [f"一只狗在草地上跑{i}"] for i in range(120)}
    candidates = {name: f"狗在跑步{name}" for name in references}
    assert any(
        "120 of 120 pictures have Chinese references, but the captions are scored as English" in warning
        for warning in warnings(candidates, references, language="en")
    )


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("['{}']", "are lists written as text"),
        ('["{}", "a dog"]', "are lists written as text"),
        ("('{}',)", "are lists written as text"),
        ("{{'caption': '{}'}}", "are lists written as text"),
        ("[{}, a dog]", "are lists written as text"),
        (" [u'{}']", "are lists written as text"),
        ("{} <unk>", "hold unknown words ('<unk>')"),
        ("[UNK] {}", "hold unknown words ('[UNK]')"),
        ("{} UNK here", "hold unknown words ('UNK')"),
        ("{} <unknown>", "hold unknown words ('<unknown>')"),
        ("@@UNKNOWN@@ <oov> {}", "hold unknown words ('<oov>')"),
        ("{} xxunk", "hold unknown words ('xxunk')"),
        ("{} caf\ufffd", "hold unknown words ('\ufffd')"),
        ("<start:en> {}", "hold start or end markers ('<start:en>')"),
        ("\u0120{}", "are in pieces of words"),
        ("\u2581{}", "are in pieces of words"),
        ("{} ##ing", "are in pieces of words ('##i')"),
        ("{} runn@@ ing", "are in pieces of words ('n@@')"),
        ("{}</w>", "are in pieces of words"),
        ("b'{}'", "are bytes written as text"),
        ("{} caf\u00c3\u00a9", "were read in another encoding"),
        ("\u00e2\u20ac\u0153{}", "were read in another encoding"),
        ("\u00ef\u00bb\u00bf{}", "were read in another encoding"),
        ("error: is broken or cut short {}", "are messages about pictures that failed"),
    ],
)
def test_what_a_tokeniser_or_a_file_format_left_behind(form, message):
    found = warnings({name: form.format(caption) for name, caption in HONEST.items()})
    assert any(f"120 of 120 candidates {message}" in warning for warning in found)


@pytest.mark.parametrize(
    "caption",
    [
        "a {} trunk beside a skunk",
        "the number (7) of {}",
        "{} writes #1 on a wall",
        "a man called [John] and {}",
        "a dog's ball and {}",
        "there is an error: {}",
        "{} sequins",
        "b's {} in S\u00e3o Paulo",
        "none of the {}",
        "2 {} and 3",
    ],
)
def test_ordinary_words_are_no_remains(caption):
    captions = {name: caption.format(own) if int(name) % 2 else own for name, own in HONEST.items()}
    assert warnings(captions) == ()


def test_a_single_caption_with_remains_is_counted_as_one():
    (warning,) = warnings({**HONEST, "5": "a dog \u0120runs"})
    assert warning.startswith("1 of 120 candidates are in pieces of words")


@pytest.mark.parametrize(
    ("nothing", "message"),
    [
        ("nan", "empty values written as text ('nan')"),
        ("None", "empty values written as text ('None')"),
        ("<NA>", "empty values written as text ('<NA>')"),
        ("101 2023 4 102", "numbers ('101 2023 4 102')"),
        ("7, 12, 3", "numbers ('7, 12, 3')"),
    ],
)
def test_what_is_no_caption_at_all(nothing, message):
    found = warnings({**HONEST, "5": nothing})
    assert any(f"1 of 120 candidates are {message}" in warning for warning in found)


def test_a_prompt_left_before_each_caption():
    found = warnings({name: f"Describe the picture: {caption}" for name, caption in HONEST.items()})
    assert any("120 of 120 candidates begin with 'describe the picture'" in warning for warning in found)
    # A form that people use too is a form.
    captions = {name: f"A picture of {caption}" for name, caption in HONEST.items()}
    references = {name: [f"a picture of something {name}"] for name in HONEST}
    assert not any("begin with" in warning for warning in warnings(captions, references))


def test_chinese_with_a_space_after_each_character():
    pytest.importorskip("rjieba")
    references = {str(i): [f"一只黑色的狗在草地上奔跑{i}"] for i in range(120)}
    spaced = {name: " ".join(f"一只狗在草地上{name}") for name in references}
    found = warnings(spaced, references, language="zh")
    assert any("120 of 120 candidates are Chinese with a space after each character" in one for one in found)
    assert not any(
        "space" in one for one in warnings(spaced, references, language="zh", tokeniser="characters")
    )
    whole = {name: f"一只 狗 在 水 里 的 草地 上 奔跑 {name}" for name in references}
    assert not any("space" in one for one in warnings(whole, references, language="zh"))
