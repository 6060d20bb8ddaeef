"""The command line as a whole: help, versions, one-line errors, commands that arrive when they are asked for."""

import os
import re
import signal
import subprocess
import sys
import time

import pytest

import showtell
from showtell.cli import COMMANDS, main
from showtell.cli.console import output, progress
from showtell.errors import ShowtellError


def test_help_lists_every_command(capsys):
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in COMMANDS:
        assert any(line.startswith(f"  {name} ") for line in lines)


def test_help_has_each_command_in_one_line_of_80_columns(monkeypatch, capsys):
    monkeypatch.setenv("COLUMNS", "80")
    assert main(["--help"]) == 0
    lines = capsys.readouterr().out.splitlines()
    summaries = lines[lines.index("Commands:") + 1 :]
    assert [line.split()[0] for line in summaries] == list(COMMANDS)
    assert all(line.endswith(".") and not line.endswith("...") for line in summaries)


@pytest.mark.parametrize("name", COMMANDS)
def test_help_names_what_an_option_takes_and_not_its_type(name, capsys):
    assert main([name, "--help"]) == 0
    said = capsys.readouterr().out
    assert not re.search(r"<(int|float|str|path)|Usage:.*\{", said)


def test_errors_of_both_wings_end_without_a_full_stop(tmp_path, capsys):
    pytest.importorskip("torch", reason="training needs PyTorch")
    for arguments in (
        ["compare", "nowhere"],
        ["export", str(tmp_path), "--output", str(tmp_path / "bundle")],
    ):
        assert main(arguments) == 2
        assert re.fullmatch(r"showtell: .*[^.]\n", capsys.readouterr().err)


def test_without_a_command_the_help_is_shown(capsys):
    assert main([]) == 0
    assert "Commands:" in capsys.readouterr().out


def test_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"{showtell.__version__}\n"


@pytest.mark.parametrize("arguments", [["captoin"], ["--loud"], ["caption", "x.jpg", "--loud"]])
def test_what_is_not_there_is_one_line(arguments, capsys):
    assert main(arguments) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.match("showtell: (No such|there is no command 'captoin'; did you mean 'caption')", captured.err)
    assert captured.err.count("\n") == 1


def test_the_module_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "showtell", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == showtell.__version__


@pytest.mark.parametrize(
    "arguments",
    [
        ["train", "base", "--data", "flickr8k:nowhere", "--output", "run"],
        ["export", "run", "--output", "bundle"],
        ["features", "photo.jpg", "--encoder", "efficientnet-lite0", "--output", "features"],
    ],
)
def test_training_without_pytorch_tells_which_extra_is_missing(arguments):
    code = f"import sys; sys.modules['torch'] = None; from showtell.cli import main; sys.exit(main({arguments!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "showtell: this command needs torch: pip install 'showtell[train]'\n"


def test_help_of_training_needs_no_pytorch():
    code = "import sys; sys.modules['torch'] = None; from showtell.cli import main; sys.exit(main(['train', '-h']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "--encoder" in done.stdout


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_can_complete_commands_options_and_models(shell):
    def completed(*words):
        before = {
            "_SHOWTELL_COMPLETE": f"complete_{shell}",
            "COMP_WORDS": " ".join(words),
            "COMP_CWORD": str(len(words) - 1),
        }
        before |= {"_TYPER_COMPLETE_ARGS": " ".join(words), "_TYPER_COMPLETE_FISH_ACTION": "get-args"}
        done = subprocess.run(
            [sys.executable, "-m", "showtell"],
            env=os.environ | before,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.stderr == ""
        return done.stdout

    assert "caption" in completed("showtell", "cap")
    assert "--min-confidence" in completed("showtell", "caption", "--min")
    assert "base" in completed("showtell", "caption", "--model", "b")


def test_the_models_that_ship_are_listed(capsys):
    assert main(["models"]) == 0
    assert capsys.readouterr().out.startswith("base\t")
    assert main(["models", "--format", "json"]) == 0
    assert '"languages": [' in capsys.readouterr().out


def test_a_model_that_is_nearly_named_is_offered(capsys):
    assert main(["caption", "x.jpg", "--model", "bsae"]) == 2
    assert "(did you mean base?)" in capsys.readouterr().err


@pytest.mark.parametrize("delay", [0.02, 0.1, 0.2, 0.4, 0.7])
def test_ctrl_c_at_any_time_prints_no_traceback(delay, tmp_path):
    """Also while modules are imported."""
    began = tmp_path / "began"
    code = f"from showtell.__main__ import run; open({str(began)!r}, 'w').close(); run()"
    heard = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(
            [sys.executable, "-c", f"import sys; sys.argv[1:] = ['caption', '-']; {code}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
    finally:
        signal.signal(signal.SIGINT, heard)
    while not began.exists():
        time.sleep(0.005)
    time.sleep(delay)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert "Traceback" not in errors
    assert process.returncode == 130


def test_ctrl_c_while_onnx_runtime_is_imported_is_not_blamed_on_the_model(monkeypatch, capsys, tmp_path):
    def stopped(*_):
        """As pybind11 does when Ctrl-C comes while a module of it is initialised."""
        try:
            raise KeyboardInterrupt
        except KeyboardInterrupt as error:
            raise ImportError("initialization failed") from error

    monkeypatch.setattr("showtell.captioning.onnx._session", stopped)
    picture = tmp_path / "picture.png"
    picture.touch()
    assert main(["caption", str(picture)]) == 130
    assert capsys.readouterr().err == "showtell: stopped\n"


# --- files ---


def test_a_file_appears_whole(tmp_path):
    path = tmp_path / "out.txt"
    with output(path) as file:
        file.write("one\n")
        assert not path.exists()
    assert path.read_text() == "one\n"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_after_an_error_the_old_file_stays(tmp_path):
    path = tmp_path / "out.txt"
    path.write_text("old")
    with pytest.raises(UnicodeEncodeError), output(path) as file:
        file.write("half\ud800")
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["out.txt"]


def interrupted(path):
    with output(path) as file:
        file.write("half\n")
        raise KeyboardInterrupt


def test_after_ctrl_c_what_is_done_is_kept(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        interrupted(tmp_path / "out.txt")
    assert (tmp_path / "out.txt").read_text() == "half\n"
    assert os.listdir(tmp_path) == ["out.txt"]


def test_a_file_that_cannot_be_written_is_named(tmp_path):
    for path in (tmp_path, tmp_path / "missing" / "out.txt"):
        with pytest.raises(ShowtellError, match=str(path)), output(path):
            pass


def test_a_link_stays_a_link_and_what_it_leads_to_is_written(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "real.txt").write_text("old")
    for link, target in (("link", "data/real.txt"), ("dangling", "data/new.txt")):
        (tmp_path / link).symlink_to(target)
        with output(tmp_path / link) as file:
            file.write("new\n")
        assert os.readlink(tmp_path / link) == target
        assert (tmp_path / target).read_text() == "new\n"
    assert sorted(os.listdir(tmp_path / "data")) == ["new.txt", "real.txt"]


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reader = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    with output(path) as file:
        file.write("one\n")
    assert os.read(reader, 100) == b"one\n"
    os.close(reader)
    assert path.is_fifo()
    assert os.listdir(tmp_path) == ["pipe"]


def test_a_device_is_written_to_and_stays_a_device(tmp_path):
    """A terminal, since nobody wants to lose /dev/null when this fails."""
    ours, theirs = pytest.importorskip("pty").openpty()
    link = tmp_path / "terminal"
    link.symlink_to(os.ttyname(theirs))
    with output(link) as file:
        file.write("one\n")
    assert os.read(ours, 100).split() == [b"one"]
    assert link.is_symlink()
    assert link.is_char_device()
    os.close(ours)
    os.close(theirs)


def test_no_bar_where_there_is_no_terminal(capsys):
    with progress(3, "Working") as advance:
        for _ in range(3):
            advance(1)
    assert capsys.readouterr() == ("", "")


def test_a_bar_on_a_terminal_leaves_stdout_alone():
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    code = (
        "from showtell.cli.console import progress\n"
        "with progress(2, 'Working') as advance:\n"
        "    print('a result'); advance(2)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=theirs, text=True, check=True
    )
    os.close(theirs)
    assert done.stdout == "a result\n"
    assert b"Working" in os.read(ours, 10_000)
    os.close(ours)


def test_names_that_command_a_terminal_reach_stderr_as_text(capsys):
    assert main(["caption", "\x1b[2Jgone\u202egpj.txt"]) == 1
    assert main(["score", "c.json", "\x9b31m.json"]) == 2
    said = capsys.readouterr().err
    assert r"\x1b[2Jgone\u202egpj.txt" in said
    assert r"\x9b31m.json" in said
    assert "\x1b" not in said
    assert "\x9b" not in said
