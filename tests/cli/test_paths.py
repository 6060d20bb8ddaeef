"""Folders on the command line: which of their files are meant, and what happens where they cannot be read."""

import os

from unprivileged import run_unprivileged

from showtell.cli.paths import pictures_named


def test_a_folder_is_walked_in_sorted_order(tmp_path):
    for name in ("b.png", "a.JPEG", "notes.txt", ".hidden.png", "b/z.gif", "b/.thumbs/t.png", "a.b/c.tiff"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    (tmp_path / "b" / "loop").symlink_to(tmp_path)

    def names(recursive):
        found = pictures_named([str(tmp_path)], recursive=recursive)
        return [os.path.relpath(path, tmp_path) for path in found]

    assert names(recursive=False) == ["a.JPEG", "b.png"]
    assert names(recursive=True) == ["a.JPEG", "a.b/c.tiff", "b/z.gif", "b.png"]


def test_a_folder_that_cannot_be_read_ends_the_walk_or_is_told_of(tmp_path):
    for name in ("a/x.png", "b/y.png", "c/z.png"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).touch()
    (tmp_path / "b").chmod(0)
    prepare = "import showtell.images; from showtell.cli.paths import pictures_named; told = []\n"
    walk = "print(*pictures_named(['.'], recursive=True, unreadable={}), *told)"
    goes_on, ends = (run_unprivileged(tmp_path, prepare, walk.format(name)) for name in ("told", "None"))
    (tmp_path / "b").chmod(0o700)
    assert goes_on.stdout == "a/x.png c/z.png b: the folder cannot be read (Permission denied)\n"
    assert ends.stdout == ""
    assert ends.stderr.endswith("BadImage: b: the folder cannot be read (Permission denied)\n")
