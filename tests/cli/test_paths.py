"""What stands on the command line: which files are meant, and what happens where folders cannot be read."""

from unprivileged import run_unprivileged

from showtell.cli.paths import pictures_named


def test_the_user_is_told_of_a_folder_without_pictures_and_where_there_may_be_some(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    (tmp_path / "deeper" / "holiday").mkdir(parents=True)
    found = pictures_named([str(tmp_path / "empty"), str(tmp_path / "deeper")], recursive=False)
    assert found.files == []
    assert capsys.readouterr().err == (
        f"showtell: {tmp_path / 'empty'}: there is no picture in this folder\n"
        f"showtell: {tmp_path / 'deeper'}: there is no picture in this folder; try --recursive\n"
    )


def test_a_folder_that_cannot_be_read_is_told_of(tmp_path):
    for name in ("a/x.png", "b/y.png", "c/z.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "b").chmod(0)
    prepare = "import showtell.images.folders; from showtell.cli.paths import pictures_named\n"
    walk = "found = pictures_named(['.'], recursive=True); print(*found.files, *found.unreadable)"
    done = run_unprivileged(tmp_path, prepare, walk)
    (tmp_path / "b").chmod(0o700)
    assert done.stdout == "a/x.png c/z.png b: the folder cannot be read (Permission denied)\n"
