"""A folder as it comes from a phone: every file stands in the rows or is counted among what is passed over."""

import json
import re
from pathlib import Path

import pytest
from PIL import Image
from scenes import TURNS, exif, grainy, orientation, quarters, segment, stored

from showtell.cli import main
from showtell.images import folders

HEIC = Path(__file__).with_name("heic")


def phone_folder(folder):
    """1,000 pictures: 880 JPEGs turned in every way, 79 HEIC, 40 MPO, one that is broken; and two videos."""
    folder.mkdir()
    picture = Image.fromarray(grainy(320, 240))
    jpegs = []
    for number in range(1, 9):
        turned = picture.transpose(TURNS[number]) if number > 1 else picture
        data = stored(turned, "JPEG", progressive=number % 2 == 0)
        maker = (0x927C, 7, 60_000, b"\xff\xff\xff\x7f")  # a maker's note that is nowhere
        data = data[:2] + segment(0xE1, b"Exif\0\0" + exif(orientation(number), maker)) + data[2:]
        jpegs.append(data + (b"a motion photo's video" * 500 if number == 3 else b""))
    several = stored(picture, "MPO", save_all=True, append_images=[picture.rotate(5)])
    heic = [path.read_bytes() for path in sorted(HEIC.glob("turned_*.heic"))]
    for number in range(880):
        (folder / f"IMG_{number:04}.{'JPG' if number % 3 else 'jpeg'}").write_bytes(jpegs[number % 8])
    for number in range(79):
        (folder / f"IMG_{1000 + number}.{'HEIC' if number % 5 else 'heif'}").write_bytes(heic[number % 7])
    for number in range(40):
        (folder / f"IMG_{2000 + number}.MPO").write_bytes(several)
    (folder / "IMG_3000.JPG").write_bytes(jpegs[0][:9000])
    (folder / "IMG_3001.MOV").write_bytes(b"\0\0\0\x14ftypqt  \0\0\0\0" + bytes(5000))
    (folder / "VID_3002.mp4").write_bytes(b"\0\0\0\x18ftypmp42\0\0\0\0" + bytes(5000))
    (folder / ".DS_Store").write_bytes(stored(quarters(), "PNG"))


@pytest.mark.parametrize("library", [True, False], ids=["with a library for HEIC", "without"])
def test_every_file_of_a_phone_is_accounted_for(tmp_path, capsys, monkeypatch, tiny_model, library):
    if library:
        pytest.importorskip("pi_heif", reason="HEIC is read by the package pi-heif")
    else:
        monkeypatch.setattr(folders, "reads_heic", lambda: False)
    phone_folder(tmp_path / "phone")
    arguments = ["caption", str(tmp_path / "phone"), "--model", str(tiny_model), "--format", "jsonl"]
    assert main(arguments) == 1  # one is broken
    out, err = capsys.readouterr()
    rows = [json.loads(line) for line in out.splitlines()]
    failed = [row for row in rows if row.get("error")]
    assert [Path(row["path"]).name for row in failed] == ["IMG_3000.JPG"]
    assert "broken or cut short" in failed[0]["error"]
    assert len({row["path"] for row in rows}) == len(rows) == (1000 if library else 921)
    files = len(list((tmp_path / "phone").glob("[!.]*")))
    counted = re.search(r"^showtell: (\d+) captioned, 1 failed, (\d+) passed over$", err, re.MULTILINE)
    assert counted
    assert int(counted[1]) + 1 + int(counted[2]) == files
    assert int(counted[1]) + 1 == len(rows)
    assert "2 videos passed over" in err
    assert ("79 HEIC files passed over: pip install 'showtell[heic]'" in err) is not library
