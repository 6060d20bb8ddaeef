"""Captioners of `transformers` become bundles that say the same, token by token."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers", reason="the extra hf is not installed")

from hf_models import MODELS, SIDE, byte_bpe, processor  # noqa: E402

import showtell  # noqa: E402
from showtell.captioning.bundle import read_bundle  # noqa: E402
from showtell.captioning.captioner import special_ids  # noqa: E402
from showtell.captioning.networks import OnnxEncoder, OnnxStepper  # noqa: E402
from showtell.cli import app  # noqa: E402
from showtell.decoding import DecodingOptions, decode  # noqa: E402
from showtell.errors import BadBundle  # noqa: E402
from showtell.training.export import huggingface  # noqa: E402
from showtell.training.export.huggingface import import_model, reference_logits, take_apart  # noqa: E402
from showtell.training.export.pieces import pieces_of  # noqa: E402

PICTURES, LONGEST = 50, 12


class Imported:
    """A model on disk, its bundle, and the parts of both."""

    def __init__(self, name, place):
        self.name, self.folder = name, place / "model"
        MODELS[name](self.folder)
        self.bundle = import_model(self.folder, place / "bundle", name=name, source="made up")
        config = transformers.AutoConfig.from_pretrained(self.folder)
        self.pieces = pieces_of(self.folder, config, language="en", prompt="")
        self.parts = take_apart(self.folder, config, self.pieces)
        random = np.random.default_rng(1)
        self.pixels = random.normal(size=(PICTURES, 3, SIDE, SIDE)).astype(np.float32)
        self.ids = special_ids(self.bundle.vocabulary, "en")
        self.start, self.end = self.pieces.rows[self.ids.start], self.pieces.rows[self.ids.end]

    def ours(self, **options):
        regions = OnnxEncoder(self.bundle)(self.pixels)
        found = decode(
            OnnxStepper(self.bundle),
            regions,
            self.ids,
            DecodingOptions(max_length=LONGEST, min_length=0, search="heuristic", **options),
        )
        return [list(hypotheses[0].tokens) for hypotheses in found]

    def theirs(self, *, beam, exponent=1.0, no_repeat_ngram=0):
        never = {self.pieces.rows[one] for one in (self.ids.pad, self.ids.start, self.ids.unknown)} - {
            self.end
        }
        first = torch.full((PICTURES, 1), self.start)
        given = {"git": {"input_ids": first}, "blip": {}}.get(self.name, {"decoder_input_ids": first})
        with torch.inference_mode():
            found = self.parts.model.generate(
                pixel_values=torch.from_numpy(self.pixels),
                num_beams=beam,
                length_penalty=exponent,
                no_repeat_ngram_size=no_repeat_ngram,
                max_new_tokens=LONGEST,
                suppress_tokens=sorted(never) or None,
                do_sample=False,
                early_stopping=False,
                **given,
            )
        return [self._words(row) for row in found.tolist()]

    def _words(self, row):
        words = row[1:]
        return words[: words.index(self.end)] if self.end in words else words


QUICK = ("blip", "git", "vit-gpt2", "swin-roberta")  # one of each decoder; `pytest -m slow` tries all


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in sorted(MODELS)],
)
def imported(request, tmp_path_factory):
    return Imported(request.param, tmp_path_factory.mktemp(request.param))


def test_logits_are_those_of_pytorch_at_every_step(imported):
    pixels = imported.pixels[:4]
    stepper = OnnxStepper(imported.bundle)
    state = stepper.begin(OnnxEncoder(imported.bundle)(pixels))
    random = np.random.default_rng(2)
    size = len(imported.pieces.vocabulary) - imported.pieces.added
    tokens = np.concatenate(
        [np.full((4, 1), imported.start), random.integers(size, size=(4, LONGEST))], axis=1
    )
    expected = reference_logits(imported.parts, torch.from_numpy(pixels), torch.from_numpy(tokens)).numpy()
    given = np.where(np.arange(LONGEST + 1) == 0, imported.ids.start, tokens)
    for step in range(LONGEST + 1):
        logits, attention, state = stepper.step(given[:, step : step + 1], state)
        np.testing.assert_allclose(logits[:, :size], expected[:, step], atol=1e-4)
        assert (logits[:, size:] < -1e8).all()
        np.testing.assert_allclose(attention.sum(axis=1), 1, atol=1e-5)
        assert attention.shape[1] in (16, 4)  # the places of the picture, without class tokens


@pytest.mark.parametrize(
    "how",
    [
        {"beam": 1},
        {"beam": 3, "exponent": 1.0},
        {"beam": 3, "exponent": 0.6},
        {"beam": 3, "exponent": 2.0},
        {"beam": 4, "exponent": 1.0, "no_repeat_ngram": 2},
    ],
    ids=str,
)
def test_captions_are_those_of_generate_token_by_token(imported, how):
    options = {"length_exponent" if key == "exponent" else key: value for key, value in how.items()}
    found = imported.ours(**options)
    assert found == imported.theirs(**how)
    assert len({tuple(words) for words in found}) > 3


def test_a_captioner_captions_a_picture_file_and_explains_it(imported, tmp_path):
    from PIL import Image

    from showtell.captioning.explain import explain

    noise = np.random.default_rng(3).integers(256, size=(50, 70, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    captioner = showtell.load(imported.bundle.folder)
    caption = captioner.caption(tmp_path / "noise.png", max_length=6)
    assert "##" not in caption.text
    assert "<" not in caption.text
    found = explain(captioner, tmp_path / "noise.png")
    assert found.method == "attention"


@pytest.mark.parametrize("precision", ["fp16", "int8"])
def test_smaller_weights_cost_what_the_card_says(imported, precision, tmp_path):
    import_model(imported.folder, tmp_path / "bundle", name="small", source="made up", precision=precision)
    card = (tmp_path / "bundle" / "card.md").read_text(encoding="utf-8")
    assert precision in card
    assert "differ from PyTorch's by at most" in card
    assert showtell.load(tmp_path / "bundle").caption(np.zeros((9, 9, 3), np.uint8))


@pytest.fixture(scope="module")
def blip(tmp_path_factory):
    folder = tmp_path_factory.mktemp("blip") / "model"
    MODELS["blip"](folder)
    return folder


@pytest.fixture
def copy(blip, tmp_path):
    """A copy that may be damaged."""
    return shutil.copytree(blip, tmp_path / "model")


def test_a_prompt_is_gone_on_from_and_is_no_part_of_the_caption(blip, tmp_path):
    bundle = import_model(blip, tmp_path / "bundle", name="prompted", source="made up", prompt="a photo of")
    pieces = bundle.vocabulary
    assert [pieces.tokens[one] for one in bundle.prompts["en"]] == ["a", "photo", "of"]
    model = transformers.BlipForConditionalGeneration.from_pretrained(blip).eval()
    pixels = np.random.default_rng(4).normal(size=(8, 3, SIDE, SIDE)).astype(np.float32)
    start = model.config.text_config.bos_token_id
    prompt = torch.tensor([[start, *bundle.prompts["en"], 3]] * 8)  # generate drops the last
    with torch.inference_mode():
        expected = model.generate(
            pixel_values=torch.from_numpy(pixels),
            input_ids=prompt,
            num_beams=3,
            max_new_tokens=6,
            suppress_tokens=[0, 1, start],
        )
    ids = special_ids(pieces, "en", bundle.prompts["en"])
    found = decode(
        OnnxStepper(bundle),
        OnnxEncoder(bundle)(pixels),
        ids,
        DecodingOptions(beam=3, max_length=6, min_length=0, length_exponent=1.0, search="heuristic"),
    )
    for row, hypotheses in zip(expected.tolist(), found, strict=True):
        words = row[4:]
        assert list(hypotheses[0].tokens) == (words[: words.index(3)] if 3 in words else words)
    captioner = showtell.load(tmp_path / "bundle")
    assert not captioner.caption(np.zeros((9, 9, 3), np.uint8)).text.startswith("a photo of a photo of")


def test_a_bundle_of_words_stays_of_the_first_format_and_one_of_pieces_is_of_the_second(
    blip, tmp_path, tiny_model
):
    import_model(blip, tmp_path / "bundle", name="pieces", source="made up")
    formats = [
        json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["format"]
        for folder in (tiny_model, tmp_path / "bundle")
    ]
    assert formats == [1, 2]


def test_the_service_captions_and_explains_with_it(blip, tmp_path):
    from showtell.apps.service import Service

    picture = Path(__file__).parents[3] / "examples" / "cat.jpg"
    import_model(blip, tmp_path / "bundle", name="one", source="made up")
    with Service(showtell.load(tmp_path / "bundle")) as service:
        [caption] = service.caption(picture).captions
        assert service.explain(picture).text == caption.text
        assert "Imported from made up" in service.card()


def test_weights_in_several_files_are_read(blip, tmp_path):
    model = transformers.BlipForConditionalGeneration.from_pretrained(blip)
    folder = shutil.copytree(blip, tmp_path / "model")
    (folder / "model.safetensors").unlink()
    model.save_pretrained(folder, max_shard_size="20KB")
    assert len(list(folder.glob("*.safetensors"))) > 2
    import_model(folder, tmp_path / "bundle", name="sharded", source="made up")
    assert _captions(tmp_path / "bundle") == _captions(_bundle(blip, tmp_path / "whole"))


@pytest.mark.parametrize(
    "settings",
    [
        {"size": SIDE},
        {"size": {"height": SIDE, "width": SIDE}, "resample": 2},
        {
            "size": {"shortest_edge": SIDE},
            "do_center_crop": True,
            "crop_size": {"height": SIDE, "width": SIDE},
        },
        {"size": {"shortest_edge": 40}, "do_center_crop": True, "crop_size": SIDE},
        {"do_normalize": False},
    ],
    ids=str,
)
def test_old_and_new_picture_processors_are_understood(copy, tmp_path, settings):
    processor(copy, **settings)
    bundle = import_model(copy, tmp_path / "bundle", name="one", source="made up")
    assert bundle.preprocessing.size == SIDE
    assert bundle.preprocessing.fit == ("crop" if "do_center_crop" in settings else "squeeze")


def test_the_pixels_are_those_of_the_models_own_processor(copy, tmp_path):
    from PIL import Image

    from showtell.images import read_pixels

    bundle = import_model(copy, tmp_path / "bundle", name="one", source="made up")
    noise = np.random.default_rng(3).integers(256, size=(SIDE, SIDE, 3)).astype(np.uint8)
    mean, std = np.array([0.5, 0.4, 0.3]), np.array([0.2, 0.3, 0.4])
    expected = ((noise / 255 - mean) / std).transpose(2, 0, 1)
    np.testing.assert_allclose(read_pixels(Image.fromarray(noise), bundle.preprocessing), expected, atol=1e-5)


SQUARE = {"height": SIDE, "width": SIDE}


@pytest.mark.parametrize(
    ("kind", "settings"),
    [
        ("BlipImageProcessorPil", {"size": SQUARE}),
        ("ViTImageProcessorPil", {"size": SQUARE}),
        ("CLIPImageProcessorPil", {"size": {"shortest_edge": SIDE}, "crop_size": SQUARE}),
    ],
)
def test_a_processor_that_the_library_wrote_gives_the_pixels_that_it_gives_there(
    copy, tmp_path, kind, settings
):
    from PIL import Image

    from showtell.images import read_pixels

    theirs = getattr(transformers, kind)(**settings)
    theirs.save_pretrained(copy)
    bundle = import_model(copy, tmp_path / "bundle", name="one", source="made up")
    picture = Image.open(Path(__file__).parents[3] / "examples" / "cat.jpg").convert("RGB").resize((96, 64))
    expected = theirs(picture, return_tensors="np")["pixel_values"][0]
    found = read_pixels(picture, bundle.preprocessing)
    assert np.abs(found - expected).mean() < 0.01


def test_the_processor_may_stand_in_the_file_of_later_versions(copy, tmp_path):
    settings = json.loads((copy / "preprocessor_config.json").read_text(encoding="utf-8"))
    (copy / "preprocessor_config.json").unlink()
    (copy / "processor_config.json").write_text(json.dumps({"image_processor": settings}), encoding="utf-8")
    assert import_model(copy, tmp_path / "bundle", name="one", source="made up").preprocessing.size == SIDE


def test_a_slow_tokenizer_alone_is_enough(copy, tmp_path):
    (copy / "tokenizer.json").unlink()
    bundle = import_model(copy, tmp_path / "bundle", name="one", source="made up")
    assert bundle.join == "wordpiece"
    assert "dog" in bundle.vocabulary


def test_decoding_defaults_are_the_models(copy, tmp_path):
    (copy / "generation_config.json").write_text(
        json.dumps({"num_beams": 5, "length_penalty": 0.5, "max_length": 9, "no_repeat_ngram_size": 2}),
        encoding="utf-8",
    )
    bundle = import_model(copy, tmp_path / "bundle", name="one", source="made up")
    wanted = {"beam": 5, "length_exponent": 0.5, "max_length": 9, "no_repeat_ngram": 2, "search": "heuristic"}
    assert wanted.items() <= bundle.decoding.items()


def test_of_several_end_tokens_the_first_counts(tmp_path):
    MODELS["vit-bert"](tmp_path / "model")
    path = tmp_path / "model" / "generation_config.json"
    settings = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(settings | {"eos_token_id": [3, 4]}), encoding="utf-8")
    bundle = import_model(tmp_path / "model", tmp_path / "bundle", name="one", source="made up")
    assert bundle.vocabulary.end_id == 3


def test_pickled_weights_need_permission(copy, tmp_path):
    model = transformers.BlipForConditionalGeneration.from_pretrained(copy)
    torch.save(model.state_dict(), copy / "pytorch_model.bin")
    (copy / "model.safetensors").unlink()
    with pytest.raises(BadBundle, match="--allow-pickle"):
        import_model(copy, tmp_path / "bundle", name="one", source="made up")
    import_model(copy, tmp_path / "bundle", name="one", source="made up", allow_pickle=True)


def test_code_in_a_models_folder_is_never_run(copy, tmp_path):
    content = json.loads((copy / "config.json").read_text(encoding="utf-8"))
    content["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (copy / "config.json").write_text(json.dumps(content), encoding="utf-8")
    (copy / "evil.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')", encoding="utf-8")
    import_model(copy, tmp_path / "bundle", name="one", source="made up")
    assert not (tmp_path / "run").exists()


def _edit(name, change):
    def damage(folder):
        content = json.loads((folder / name).read_text(encoding="utf-8"))
        change(content)
        (folder / name).write_text(json.dumps(content), encoding="utf-8")

    return damage


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda folder: (folder / "config.json").unlink(), "config.json"),
        (lambda folder: (folder / "config.json").write_text("[]"), "config.json"),
        (_edit("config.json", lambda of: of.update(model_type="llava")), "BLIP, GIT"),
        (lambda folder: (folder / "model.safetensors").unlink(), "no weights"),
        (lambda folder: (folder / "model.safetensors").write_bytes(b"\0" * 100), "cannot be loaded"),
        (lambda folder: (folder / "preprocessor_config.json").unlink(), "preprocessor_config.json"),
        (lambda folder: processor(folder, size={"height": 64, "width": 64}), "64"),
        (lambda folder: processor(folder, resample=1), "filter"),
        (lambda folder: processor(folder, image_mean="grey"), "preprocessor_config.json"),
        (lambda folder: (folder / "tokenizer.json").write_text("{"), "tokenizer"),
    ],
)
def test_what_cannot_be_imported_is_refused_with_a_sentence(copy, tmp_path, damage, said):
    damage(copy)
    with pytest.raises(BadBundle, match=said):
        import_model(copy, tmp_path / "bundle", name="one", source="made up")
    assert not (tmp_path / "bundle").exists()


def test_a_pair_of_networks_that_is_not_known_is_refused(tmp_path):
    folder = tmp_path / "model"
    byte_bpe(folder)
    config = transformers.VisionEncoderDecoderConfig(
        encoder={"model_type": "vit", "hidden_size": 8, "num_attention_heads": 1, "num_hidden_layers": 1},
        decoder={"model_type": "electra", "is_decoder": True, "add_cross_attention": True},
    )
    config.save_pretrained(folder)
    with pytest.raises(BadBundle, match="vit with electra"):
        import_model(folder, tmp_path / "bundle", name="one", source="made up")


def test_graphs_that_do_not_agree_with_pytorch_are_refused(blip, tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface, "LARGEST_DIFFERENCE", 0.0)
    with pytest.raises(BadBundle, match="do not give what PyTorch gives"):
        import_model(blip, tmp_path / "bundle", name="one", source="made up")


def test_the_command_imports_a_folder_and_the_bundle_captions(blip, tmp_path):
    from PIL import Image

    Image.new("RGB", (40, 40), "red").save(tmp_path / "red.png")
    made = CliRunner().invoke(
        app, ["import", str(blip), "--output", str(tmp_path / "bundle"), "--precision", "int8"]
    )
    assert made.exit_code == 0, made.output
    said = CliRunner().invoke(
        app, ["caption", str(tmp_path / "red.png"), "--model", str(tmp_path / "bundle")]
    )
    assert said.exit_code == 0, said.output


def _bundle(model, folder):
    import_model(model, folder, name="one", source="made up")
    return folder


def _captions(folder):
    pictures = np.random.default_rng(5).integers(256, size=(5, 40, 40, 3)).astype(np.uint8)
    read_bundle(folder)
    return [result.caption.text for result in showtell.load(folder).caption_many(list(pictures))]
