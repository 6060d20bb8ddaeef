import json
import math

import pytest

from showtell.errors import BadBundle, BadRecipe
from showtell.training.runs import read_run, read_runs
from showtell.training.runs.reading import EvaluationFile, Interval

RECIPE = '[model]\nname = "soft_attention"\n[model.settings]\nsentinel = true\nwidth = 8\n'


def write_run(folder, *, recipe=RECIPE, log=((1, 40.0), (2, 52.5), (3, 51.0)), tensors=None):
    """A run as training leaves it; of the checkpoint the header alone is real."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "recipe.toml").write_text(recipe)
    rows = [
        {"epoch": number, "step": 10 * number, "loss": 5.0 / number, "seconds": 60.0 * number, "CIDEr": cider}
        | {"BLEU-4": 20.0, "distinct": 70.0, "length": 9.5}
        for number, cider in log
    ]
    (folder / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    if tensors is None:
        tensors = {"model.a": [3, 4], "average.a": [3, 4], "average.b": [5], "average.scale": []}
    write_header(folder / "checkpoints" / "best.safetensors", tensors)
    return folder


def write_header(path, tensors):
    header, start = {"__metadata__": {"position": "{}"}}, 0
    for name, shape in tensors.items():
        end = start + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [start, end]}
        start = end
    text = json.dumps(header).encode()
    path.write_bytes(len(text).to_bytes(8, "little") + text + bytes(start))


def test_a_run_tells_its_model_its_size_and_its_best_epoch(tmp_path):
    run = read_run(write_run(tmp_path / "one"))
    assert (run.name, run.model) == ("one", "soft_attention + sentinel")
    assert (run.parameters, run.size) == (12 + 5 + 1, 4 * (12 + 5 + 1))
    assert (run.epochs, run.seconds) == (3, 180.0)
    assert (run.best["epoch"], run.best["CIDEr"]) == (2, 52.5)


def test_the_header_read_by_hand_is_that_of_a_real_checkpoint(tmp_path):
    torch = pytest.importorskip("torch")
    from showtell.training.engine.checkpoint import Position, save_checkpoint

    model = torch.nn.LSTM(3, 5)
    average = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    run = write_run(tmp_path / "run")
    save_checkpoint(
        run / "checkpoints" / "best.safetensors",
        model=model,
        average=average,
        optimizer=torch.optim.AdamW(model.parameters()),
        position=Position(),
    )
    expected = sum(parameter.numel() for parameter in model.parameters())
    found = read_run(run)
    assert (found.parameters, found.size) == (expected, 4 * expected)


def test_a_run_that_has_finished_no_pass_is_a_run(tmp_path):
    (tmp_path / "recipe.toml").write_text('description = "new"\n')
    run = read_run(tmp_path)
    assert (run.model, run.epochs, run.seconds, run.parameters) == ("transformer", 0, None, None)
    assert run.best == {}


def test_an_evaluation_beside_it_brings_metrics_with_intervals(tmp_path):
    run = write_run(tmp_path / "run")
    metrics = {
        "CIDEr": {"value": 52.25, "low": 49.5, "high": 55.0, "signature": "s"},
        "METEOR": {"value": None, "low": None, "high": None, "signature": "no Java"},
    }
    hygiene = {"distinct": 80.0, "vocabulary": 300, "in_training": None}
    told = {"metrics": metrics, "hygiene": hygiene, "pictures": 10, "captions_per_second": 31.5}
    (run / "evaluation.json").write_text(json.dumps(told))
    assert read_run(run).evaluation == EvaluationFile(
        metrics={"CIDEr": Interval(52.25, 49.5, 55.0)},
        hygiene={"distinct": 80.0, "vocabulary": 300.0},
        speed=31.5,
    )


def test_an_evaluation_of_before_speed_was_kept_is_read_too(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "evaluation.json").write_text(json.dumps({"metrics": {}, "pictures": 10}))
    assert read_run(run).evaluation == EvaluationFile()


@pytest.mark.parametrize(
    ("recipe", "features"),
    [
        ('[used]\nfeatures = "frozen"\n', "frozen"),
        ('[used]\nfeatures = "tuned, A.safetensors"\n', "tuned, A.safetensors"),
        ("[encoder.tuning]\nbatch = 32\n", "tuned"),  # of before it was kept, but it says so itself
        ("[encoder]\nsize = 224\n", None),
    ],
)
def test_a_run_tells_what_features_it_learnt_from(tmp_path, recipe, features):
    assert read_run(write_run(tmp_path / "run", recipe=recipe)).features == features


def test_runs_of_the_same_name_are_called_by_their_paths(tmp_path):
    folders = [write_run(tmp_path / parent / "run") for parent in ("frozen", "tuned")]
    assert [run.name for run in read_runs(folders)] == [str(folder) for folder in folders]


def test_what_is_no_run_is_refused(tmp_path):
    with pytest.raises(BadRecipe, match=r"is not a run: it has no recipe\.toml"):
        read_run(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(BadRecipe, match="is not a run"):
        read_run(tmp_path / "file")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("recipe.toml", "model = ["),
        ("recipe.toml", "\udcff"),
        ("log.jsonl", '{"epoch": 1'),
        ("log.jsonl", "[1, 2]\n"),
        ("log.jsonl", '{"epoch": "first"}\n'),
        ("evaluation.json", "[]"),
        ("evaluation.json", '{"metrics": {"CIDEr": 5}}'),
        ("evaluation.json", '{"metrics": {}, "hygiene": {"distinct": "many"}}'),
        ("evaluation.json", '{"metrics": {}, "captions_per_second": "many"}'),
    ],
)
def test_a_broken_file_is_named(tmp_path, name, content):
    run = write_run(tmp_path / "run")
    (run / name).write_text(content, errors="surrogateescape")
    with pytest.raises(BadRecipe, match=name.replace(".", r"\.")):
        read_run(run)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("recipe.toml", "used = 4\n", "used is not a table of settings"),
        ("recipe.toml", "encoder = 3\n", "encoder is not a table of settings"),
        ("recipe.toml", "model = 3\n", "model is not a table of settings"),
        ("recipe.toml", "[model]\nsettings = 3\n", "settings is not a table of settings"),
        ("log.jsonl", "{}\nloss 3\n", "line 2 is not JSON"),
        ("evaluation.json", "CIDEr 52", "it is not JSON; write it with showtell evaluate --format json"),
        ("evaluation.json", "[]", "it is not as showtell evaluate --format json writes it"),
        ("evaluation.json", '{"metrics": {"CIDEr": {"value": 5, "low": "x"}}}', "it is not as showtell"),
    ],
)
def test_what_is_wrong_in_a_file_is_said(tmp_path, name, content, said):
    run = write_run(tmp_path / "run")
    (run / name).write_text(content)
    with pytest.raises(BadRecipe, match=rf"{name} cannot be read: .*{said}"):
        read_run(run)


def test_a_folder_in_the_place_of_a_file_is_said(tmp_path):
    run = write_run(tmp_path / "run")
    (run / "evaluation.json").mkdir()
    with pytest.raises(BadRecipe, match=r"evaluation\.json cannot be read: Is a directory$"):
        read_run(run)


@pytest.mark.parametrize(
    "content", [b"", b"\xff" * 8, b"\x04\0\0\0\0\0\0\0[1,2", (2).to_bytes(8, "little") + b"[]"]
)
def test_a_broken_checkpoint_is_named(tmp_path, content):
    run = write_run(tmp_path / "run")
    (run / "checkpoints" / "best.safetensors").write_bytes(content)
    with pytest.raises(BadBundle, match=r"best\.safetensors cannot be read"):
        read_run(run)
