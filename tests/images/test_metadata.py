"""Captions in pictures' files: the picture stays as it is, a person's words stay, and everything can be undone."""

import contextlib
import io
import os
import shutil
import signal
import struct
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence, PngImagePlugin
from running_exiftool import ExifTool

from showtell.errors import BadImage
from showtell.images.journal import Journal
from showtell.images.metadata import WordsWriter, read_words

OURS = {
    "XMP-dc:Description", "XMP-dc:Description-en", "XMP-dc:Description-zh",
    "XMP-iptcCore:AltTextAccessibility", "XMP-iptcCore:AltTextAccessibility-en",
    "XMP-iptcCore:AltTextAccessibility-zh",
    "XMP-showtell:Caption-en", "XMP-showtell:Caption-zh", "XMP-showtell:Model-en", "XMP-showtell:Model-zh",
    "IFD0:ImageDescription", "IPTC:Caption-Abstract", "IPTC:CodedCharacterSet", "IPTC:ApplicationRecordVersion",
}  # fmt: skip


def colours(seed=0, size=(48, 37), mode="RGB"):
    values = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 4), np.uint8)
    return Image.fromarray(values, "RGBA").convert(mode)


def several(seed):
    return [colours(seed + number, mode="RGB") for number in range(3)]


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def frames(form, seed, **options):
    first, *others = several(seed)
    return saved(first, form, save_all=True, append_images=others, **options)


def described_before(seed):
    """A JPEG with EXIF, a profile and a comment, none of which describes it."""
    exif = Image.Exif()
    exif[0x010F], exif[0x0112] = "Maker", 6
    exif.get_ifd(0x8825)[1] = "N"
    return saved(colours(seed), "JPEG", exif=exif, icc_profile=b"profile" * 40, comment=b"a comment")


def several_pictures(seed):
    """A JPEG with another behind it, and a list of both (MPF)."""
    first, second = saved(colours(seed), "JPEG"), saved(colours(seed + 1), "JPEG")
    size = len(first) + 78
    entries = struct.pack("<IIIHHIIIHH", 0x030000, size, 0, 0, 0, 0, len(second), size - 10, 0, 0)
    directory = struct.pack("<HHHIIHHIII", 2, 0xB001, 4, 1, 2, 0xB002, 7, 32, 38, 0)
    body = b"MPF\0" + b"II*\0\x08\0\0\0" + directory + entries
    return first[:2] + b"\xff\xe2" + struct.pack(">H", len(body) + 2) + body + first[2:] + second


FILES = {
    "jpeg.jpg": lambda seed: saved(colours(seed), "JPEG"),
    "progressive.jpg": lambda seed: saved(colours(seed), "JPEG", progressive=True),
    "grey.jpg": lambda seed: saved(colours(seed, mode="L"), "JPEG"),
    "cmyk.jpg": lambda seed: saved(colours(seed, mode="CMYK"), "JPEG"),
    "exif.jpg": described_before,
    "mpf.jpg": several_pictures,
    "png.png": lambda seed: saved(colours(seed, mode="RGBA"), "PNG"),
    "palette.png": lambda seed: saved(colours(seed).quantize(), "PNG"),
    "animated.png": lambda seed: frames("PNG", seed),
    "lossy.webp": lambda seed: saved(colours(seed), "WEBP"),
    "lossless.webp": lambda seed: saved(colours(seed), "WEBP", lossless=True),
    "alpha.webp": lambda seed: saved(colours(seed, mode="RGBA"), "WEBP", lossless=True),
    "lossy_alpha.webp": lambda seed: saved(colours(seed, (47, 31), mode="RGBA"), "WEBP"),
    "animated.webp": lambda seed: frames("WEBP", seed),
    "gif.gif": lambda seed: saved(colours(seed), "GIF"),
    "animated.gif": lambda seed: frames("GIF", seed, loop=0),
    "tiff.tif": lambda seed: saved(colours(seed), "TIFF"),
    "deflated.tif": lambda seed: saved(colours(seed), "TIFF", compression="tiff_deflate"),
    "pages.tif": lambda seed: frames("TIFF", seed),
    "big.tif": lambda seed: saved(colours(seed), "TIFF", big_tiff=True),
    "grey16.tif": lambda seed: saved(
        Image.fromarray(np.arange(600, dtype=np.uint16).reshape(20, 30)), "TIFF"
    ),
}


@pytest.fixture(scope="module")
def exiftool():
    program = shutil.which("exiftool")
    if program is None:
        pytest.skip("wants ExifTool (libimage-exiftool-perl)")
    running = ExifTool(program)
    yield running
    running.close()


@pytest.fixture
def journal(tmp_path):
    return Journal(tmp_path / "journal")


@pytest.fixture(params=FILES)
def picture(request, tmp_path):
    path = tmp_path / request.param
    path.write_bytes(FILES[request.param](0))
    return path


def writer(journal, kind="metadata", **options):
    return WordsWriter(kind, model="base 1.0", journal=journal, **options)


def pixels(path):
    with Image.open(path) as image:
        return [np.asarray(frame.convert("RGBA")) for frame in ImageSequence.Iterator(image)]


def undo_all(journal):
    return [journal.undo(entry) for entry in reversed(list(journal.entries()))]


# --- the picture stays ---


def test_pixels_stay_and_undo_gives_the_file_back_to_the_last_bit(picture, journal):
    before, shown = picture.read_bytes(), pixels(picture)
    change = writer(journal).write(picture, {"en": "a cat on a chair", "zh": "椅子上的猫"})
    assert (change.action, change.path) == ("written", picture)
    after = pixels(picture)
    assert len(after) == len(shown)
    assert all(np.array_equal(*pair) for pair in zip(after, shown, strict=True))
    assert {(words.text, words.model) for words in read_words(picture)} == {
        ("a cat on a chair", "base 1.0"),
        ("椅子上的猫", "base 1.0"),
    }
    assert [undone.restored for undone in undo_all(journal)] == [True]
    assert picture.read_bytes() == before


@pytest.mark.parametrize("name", FILES)
def test_what_is_coded_of_the_picture_is_in_the_new_file_byte_for_byte(name, tmp_path, journal):
    path = tmp_path / name
    path.write_bytes(FILES[name](5))
    before = path.read_bytes()
    writer(journal).write(path, {"en": "a cat"})
    after = path.read_bytes()
    start = {".jpg": b"\xff\xda", ".png": b"IDAT", ".webp": b"VP8", ".gif": b"\0,\0\0", ".tif": b""}[
        path.suffix
    ]
    past = {".webp": 18 if b"VP8X" in before else 0, ".tif": 16}.get(
        path.suffix, 0
    )  # what says where things are
    coded = before[before.index(start) + past : -12 if path.suffix == ".png" else None]
    assert coded in after


def test_exiftool_reads_what_was_written_and_finds_nothing_wrong(picture, journal, exiftool):
    own = exiftool.tags(picture)
    complaints = exiftool.tags(picture, "-validate", "-warning", "-error")
    writer(journal).write(picture, {"en": "a cat on a chair", "zh": "椅子上的猫"})
    found = exiftool.tags(picture)
    assert found["XMP-dc:Description"] == {
        "en": "a cat on a chair",
        "x-default": "a cat on a chair",
        "zh": "椅子上的猫",
    } or (found["XMP-dc:Description"] == "a cat on a chair")
    alternatives = exiftool.tags(picture, "-XMP-iptcCore:AltTextAccessibility-zh", "-XMP-dc:Description-en")
    assert "椅子上的猫" in str(alternatives)
    if picture.suffix in (".jpg", ".tif"):
        assert found["IPTC:Caption-Abstract"] == found["IFD0:ImageDescription"] == "a cat on a chair"
    elif picture.suffix != ".gif":
        assert found["IFD0:ImageDescription"] == "a cat on a chair"
    assert exiftool.tags(picture, "-validate", "-warning", "-error").get(
        "ExifTool:Warning"
    ) == complaints.get("ExifTool:Warning")
    moved = (
        "Offset",
        "Start",
        "Length",
        "MPF0",
        "MPImage",
        "WebP",
        "Warning",
        "Validate",
        "RIFF",
        "GIFVersion",
    )
    kept = {name: value for name, value in own.items() if not any(word in name for word in moved)}
    assert {name: found.get(name) for name in kept} == kept


@pytest.mark.parametrize("count", [12, pytest.param(200, marks=pytest.mark.slow)])
def test_many_files_of_every_format_are_written_and_undone(count, tmp_path, journal):
    kinds = {".jpg": [], ".png": [], ".webp": [], ".gif": [], ".tif": []}
    for name in FILES:
        kinds[Path(name).suffix].append(name)
    before = {}
    for names in kinds.values():
        for number in range(count):
            name = names[number % len(names)]
            path = tmp_path / f"{number:03}-{name}"
            path.write_bytes(FILES[name](number))
            before[path] = path.read_bytes()
    captions = writer(journal)
    assert {captions.write(path, {"en": f"picture {path.name}"}).action for path in before} == {"written"}
    assert all(path.read_bytes() != data for path, data in before.items())
    assert all(undone.restored for undone in undo_all(journal))
    assert all(path.read_bytes() == data for path, data in before.items())
    assert sorted(tmp_path.glob("*.*")) == sorted(before)


@pytest.mark.parametrize(("name", "form"), [("a.bmp", "BMP"), ("a.ppm", "PPM")])
def test_a_format_that_holds_no_words_is_said_to(name, form, tmp_path, journal):
    (tmp_path / name).write_bytes(saved(colours(), form))
    with pytest.raises(BadImage, match="try --write xmp-sidecar"):
        writer(journal).write(tmp_path / name, {"en": "a cat"})
    assert writer(journal, "xmp-sidecar").write(tmp_path / name, {"en": "a cat"}).action == "written"


def test_the_list_of_a_file_of_several_pictures_stays_true(tmp_path, journal):
    path = tmp_path / "a.jpg"
    path.write_bytes(several_pictures(1))
    writer(journal).write(path, {"en": "a cat"})
    data = path.read_bytes()
    head = data.index(b"MPF\0") + 4
    first, second, start = (struct.unpack_from("<I", data, head + 38 + place)[0] for place in (4, 20, 24))
    assert first == head + start == len(data) - second
    assert data[head + start :].startswith(b"\xff\xd8\xff")


# --- a person's words stay ---


@pytest.mark.parametrize(
    "field",
    [
        "-XMP-dc:Description=my cat",
        "-XMP-dc:Description-en=my cat",
        "-XMP-dc:Description-en-GB=my cat",
        "-XMP-iptcCore:AltTextAccessibility=my cat",
        "-XMP-iptcCore:AltTextAccessibility-en-us=my cat",
        "-IPTC:Caption-Abstract=my cat",
        "-EXIF:ImageDescription=my cat",
        "-EXIF:ImageDescription=ma chatte préférée",
    ],
)
@pytest.mark.parametrize("overwrite", ["none", "machine"])
def test_where_a_person_has_described_a_picture_nothing_is_written(
    field, overwrite, tmp_path, journal, exiftool
):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["exif.jpg"](0))
    exiftool.write(path, field)
    before = path.read_bytes()
    for kind in ("metadata", "xmp-sidecar"):
        change = writer(journal, kind, overwrite=overwrite).write(path, {"en": "a cat"})
        assert (change.action, change.texts) == ("kept", {})
        assert "a person has described it" in change.reason
    assert path.read_bytes() == before
    assert not list(tmp_path.glob("*.xmp"))


def test_a_persons_words_in_other_languages_stay_beside_the_machines(tmp_path, journal, exiftool):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    exiftool.write(path, "-XMP-dc:Description-de=meine Katze", "-XMP-dc:Description=meine Katze")
    assert writer(journal).write(path, {"en": "a cat"}).action == "written"
    found = exiftool.tags(
        path, "-XMP-dc:Description-de", "-XMP-dc:Description-en", "-XMP-dc:Description-x-default"
    )
    assert sorted(str(value) for value in found.values()) == ["a cat", "meine Katze"] or "meine Katze" in str(
        found
    )
    said = {(words.language, words.text) for words in read_words(path) if words.field == "XMP-dc:Description"}
    assert said == {("x-default", "meine Katze"), ("de", "meine Katze"), ("en", "a cat")}


def test_the_machines_words_that_a_person_mended_are_the_persons(tmp_path, journal, exiftool):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    writer(journal).write(path, {"en": "a dog"})
    exiftool.write(path, "-XMP-dc:Description-en=a cat, of course")
    before = path.read_bytes()
    assert writer(journal, overwrite="machine").write(path, {"en": "a horse"}).action == "kept"
    assert path.read_bytes() == before


def test_the_machines_words_are_renewed_on_demand_alone(picture, journal):
    before = picture.read_bytes()
    writer(journal).write(picture, {"en": "a dog", "zh": "狗"})
    written = picture.read_bytes()
    change = writer(journal).write(picture, {"en": "a cat"})
    assert (change.action, "--overwrite machine" in change.reason) == ("kept", True)
    assert picture.read_bytes() == written
    renewed = WordsWriter("metadata", model="base 2.0", overwrite="machine", journal=journal)
    assert renewed.write(picture, {"en": "a cat"}).action == "renewed"
    words = {(one.text, one.model) for one in read_words(picture)}
    assert words == {("a cat", "base 2.0"), ("狗", "base 1.0")}
    assert all(undone.restored for undone in undo_all(journal))
    assert picture.read_bytes() == before


def test_overwrite_all_replaces_a_persons_words_and_undo_brings_them_back(tmp_path, journal, exiftool):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["exif.jpg"](0))
    exiftool.write(
        path,
        "-XMP-dc:Description-en=my cat",
        "-IPTC:Caption-Abstract=my cat",
        "-EXIF:ImageDescription=my cat",
    )
    before = path.read_bytes()
    assert writer(journal, overwrite="all").write(path, {"en": "a cat"}).action == "renewed"
    assert {words.text for words in read_words(path)} == {"a cat"}
    undo_all(journal)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "junk", ["OLYMPUS DIGITAL CAMERA         ", "SONY DSC", "   ", "DSC01234", '{"shape": [3, 4]}']
)
def test_what_cameras_and_programs_put_there_is_nobodys_description_and_stays(
    junk, tmp_path, journal, exiftool
):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["exif.jpg"](0))
    exiftool.write(path, f"-EXIF:ImageDescription={junk}")
    assert writer(journal).write(path, {"en": "a cat"}).action == "written"
    found = exiftool.tags(path)
    if junk.strip():
        assert found["IFD0:ImageDescription"] == junk.rstrip() or junk.strip() in str(
            found["IFD0:ImageDescription"]
        )
    assert found["XMP-dc:Description"] == "a cat"


def test_a_description_in_a_pngs_own_form_counts(tmp_path, journal):
    for number, add in enumerate(("add_text", "add_itxt")):
        notes = PngImagePlugin.PngInfo()
        getattr(notes, add)("Description", "my cat")
        path = tmp_path / f"{number}.png"
        colours().save(path, pnginfo=notes)
        assert writer(journal).write(path, {"en": "a cat"}).action == "kept"


def test_fields_of_other_programs_stay(tmp_path, journal, exiftool):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["exif.jpg"](0))
    exiftool.write(
        path, "-XMP-xmp:Rating=4", "-XMP-dc:Subject=cats", "-XMP-dc:Subject=chairs", "-XMP-dc:Title-fr=Chat",
        "-XMP-mwg-rs:RegionInfo={AppliedToDimensions={W=4,H=3,Unit=pixel},RegionList=[{Name=Tom,Type=Pet}]}",
        "-IPTC:Keywords=cats", "-IPTC:City=Zürich", "-Photoshop:CopyrightFlag=1", "-IFD1:Compression=6",
        "-EXIF:Artist=me", "-GPSLatitude=47", "-XMP-iptcExt:DigitalSourceType=photo",
    )  # fmt: skip
    before = {
        name: value
        for name, value in exiftool.tags(path).items()
        if "Offset" not in name and "Digest" not in name
    }
    assert writer(journal).write(path, {"en": "a cat"}).action == "written"
    after = exiftool.tags(path)
    assert {name: after.get(name) for name in before} == before
    assert {name for name in after if name not in before} <= OURS | {
        "Photoshop:IPTCDigest",
        "File:CurrentIPTCDigest",
    }


def test_latin_iptc_fields_are_not_reread_in_another_encoding(tmp_path, journal, exiftool):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    exiftool.write(path, "-charset", "iptc=latin1", "-IPTC:City=Zürich")
    writer(journal).write(path, {"zh": "椅子上的猫"})
    assert exiftool.tags(path, "-charset", "iptc=latin1")["IPTC:City"] == "Zürich"
    assert "IPTC:Caption-Abstract" not in exiftool.tags(path)


def test_dry_run_changes_nothing_and_says_what_it_would(picture, journal):
    before = picture.read_bytes()
    for kind in ("metadata", "sidecar", "xmp-sidecar"):
        change = writer(journal, kind, dry_run=True).write(picture, {"en": "a cat"})
        assert (change.action, change.texts) == ("written", {"en": "a cat"})
    assert picture.read_bytes() == before
    assert not journal.folder.exists()
    assert [path.name for path in picture.parent.iterdir()] == [picture.name]


# --- files beside the picture ---


def test_a_sidecar_is_the_caption_alone(tmp_path, journal):
    (tmp_path / "a.jpg").write_bytes(FILES["jpeg.jpg"](0))
    assert writer(journal, "sidecar").write(tmp_path / "a.jpg", {"en": "a cat"}).path == tmp_path / "a.txt"
    assert (tmp_path / "a.txt").read_text() == "a cat\n"
    assert writer(journal, "sidecar").write(tmp_path / "a.jpg", {"en": "a dog"}).action == "kept"
    renewed = writer(journal, "sidecar", overwrite="machine").write(tmp_path / "a.jpg", {"en": "a dog"})
    assert (renewed.action, (tmp_path / "a.txt").read_text()) == ("renewed", "a dog\n")
    undo_all(journal)
    assert not (tmp_path / "a.txt").exists()


def test_a_persons_sidecar_stays(tmp_path, journal):
    (tmp_path / "a.jpg").write_bytes(FILES["jpeg.jpg"](0))
    (tmp_path / "a.txt").write_text("my cat")
    for overwrite in ("none", "machine"):
        assert (
            writer(journal, "sidecar", overwrite=overwrite).write(tmp_path / "a.jpg", {"en": "a cat"}).action
            == "kept"
        )
    assert (tmp_path / "a.txt").read_text() == "my cat"
    writer(journal, "sidecar", overwrite="all").write(tmp_path / "a.jpg", {"en": "a cat"})
    undo_all(journal)
    assert (tmp_path / "a.txt").read_text() == "my cat"


def test_an_xmp_sidecar_of_another_program_keeps_its_fields(tmp_path, journal, exiftool):
    path, beside = tmp_path / "a.jpg", tmp_path / "a.jpg.xmp"
    path.write_bytes(FILES["jpeg.jpg"](0))
    exiftool.write(beside, "-XMP-xmp:Rating=4", "-XMP-dc:Subject=cats")
    before, picture = beside.read_bytes(), path.read_bytes()
    assert writer(journal, "xmp-sidecar").write(path, {"en": "a cat"}).action == "written"
    found = exiftool.tags(beside)
    assert (found["XMP-xmp:Rating"], found["XMP-dc:Subject"], found["XMP-dc:Description"]) == (
        4,
        ["cats"],
        "a cat",
    )
    assert path.read_bytes() == picture
    undo_all(journal)
    assert beside.read_bytes() == before


@pytest.mark.parametrize("name", ["a.xmp", "a.jpg.xmp"])
def test_a_persons_words_in_any_xmp_sidecar_outrank_the_machines(name, tmp_path, journal):
    (tmp_path / "a.jpg").write_bytes(FILES["jpeg.jpg"](0))
    (tmp_path / name).write_text(
        '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:description><rdf:Alt>'
        '<rdf:li xml:lang="x-default">my cat</rdf:li></rdf:Alt></dc:description></rdf:Description></rdf:RDF>'
        "</x:xmpmeta>"
    )
    for kind in ("metadata", "xmp-sidecar"):
        assert writer(journal, kind).write(tmp_path / "a.jpg", {"en": "a cat"}).action == "kept"


# --- whole or not at all ---


def test_a_kill_at_any_moment_leaves_whole_files_and_a_journal_that_undoes(tmp_path):
    folder, journal = tmp_path / "photos", tmp_path / "journal"
    folder.mkdir()
    before = {}
    for number in range(60):
        path = folder / f"{number:02}.jpg"
        path.write_bytes(FILES["exif.jpg"](number))
        before[path] = path.read_bytes()
    code = (
        "import sys; from pathlib import Path\n"
        "from showtell.images.journal import Journal\n"
        "from showtell.images.metadata import WordsWriter\n"
        "writer = WordsWriter('metadata', model='m', overwrite='machine', journal=Journal(Path(sys.argv[2])))\n"
        "print('ready', flush=True)\n"
        "for turn in range(1000):\n"
        "    for path in sorted(Path(sys.argv[1]).glob('*.jpg')): writer.write(path, {'en': f'a cat {turn}'})\n"
    )
    for wait in (0.0, 0.02, 0.05, 0.11, 0.23):
        process = subprocess.Popen(
            [sys.executable, "-c", code, str(folder), str(journal)], stdout=subprocess.PIPE
        )
        process.stdout.readline()
        time.sleep(wait)
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    for path in before:
        with Image.open(path) as image:
            image.load()
        read_words(path)
    assert all(undone.restored for undone in undo_all(Journal(journal)))
    assert all(path.read_bytes() == data for path, data in before.items())


def test_what_another_program_changed_since_is_not_undone(tmp_path, journal):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    writer(journal).write(path, {"en": "a cat"})
    changed = path.read_bytes() + b"more"
    path.write_bytes(changed)
    [undone] = undo_all(journal)
    assert (undone.restored, "was changed since" in undone.reason) == (False, True)
    assert path.read_bytes() == changed


def test_rights_time_and_links_stay(tmp_path, journal):
    path, link = tmp_path / "a.jpg", tmp_path / "link.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    path.chmod(0o640)
    os.utime(path, ns=(10**18, 10**18))
    link.symlink_to(path)
    writer(journal).write(link, {"en": "a cat"})
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o640
    undo_all(journal)
    assert (path.stat().st_mode & 0o777, path.stat().st_mtime_ns) == (0o640, 10**18)


def test_a_journal_that_was_cut_short_serves_for_what_is_whole(tmp_path, journal):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    before = path.read_bytes()
    writer(journal).write(path, {"en": "a cat"})
    [file] = journal.folder.glob("*.jsonl")
    file.write_bytes(file.read_bytes() + b'{"path": "/tmp/b.jpg", "kind')
    assert [undone.restored for undone in undo_all(journal)] == [True]
    assert path.read_bytes() == before
    assert list(journal.entries()) == []


# --- hostile files ---


def test_cut_and_changed_files_are_bad_images_and_stay_as_they_are(picture, journal):
    whole = picture.read_bytes()
    generator = np.random.default_rng(1)
    for turn in range(60):  # whatever happens, nothing but BadImage comes out
        data = bytearray(whole if turn % 3 else whole[: generator.integers(0, len(whole))])
        for place in generator.integers(0, min(len(data), 200) or 1, 4 if data else 0):
            data[place] = generator.integers(0, 256)
        picture.write_bytes(bytes(data))
        with contextlib.suppress(BadImage):
            writer(journal, dry_run=True).write(picture, {"en": "a cat"})
        assert picture.read_bytes() == bytes(data)


@pytest.mark.parametrize("place", [10**6, 2**63 - 1, 2**63, 2**64 - 1])
def test_a_tiff_whose_directory_is_nowhere_is_a_sentence(place, tmp_path, journal):
    path = tmp_path / "a.tif"
    path.write_bytes(b"II+\0\x08\0\0\0" + struct.pack("<Q", place) + bytes(100))
    with pytest.raises(BadImage, match="nothing is written into it"):
        writer(journal).write(path, {"en": "a cat"})


@pytest.mark.parametrize(
    ("packet", "said"),
    [
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>', "document type"),
        (b"<x:xmpmeta", "broken"),
        (b"<a/>", "no rdf:RDF"),
        (b"", "broken"),
        (b"\xff\xfe<\0!\0D\0O\0C\0T\0Y\0P\0E\0", "document type"),
        (
            b'<r:RDF xmlns:r="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
            + b"<a>" * 20_000 + b"</a>" * 20_000 + b"</r:RDF>",
            "nested too deeply",
        ),
    ],
)  # fmt: skip
def test_a_packet_that_is_broken_or_hostile_is_never_replaced(packet, said, tmp_path, journal):
    (tmp_path / "a.jpg").write_bytes(FILES["jpeg.jpg"](0))
    (tmp_path / "a.jpg.xmp").write_bytes(packet)
    with pytest.raises(BadImage, match=said):
        writer(journal, "xmp-sidecar").write(tmp_path / "a.jpg", {"en": "a cat"})
    assert (tmp_path / "a.jpg.xmp").read_bytes() == packet


def test_words_that_no_xml_can_hold_are_written_without_what_it_cannot(tmp_path, journal):
    path = tmp_path / "a.png"
    path.write_bytes(FILES["png.png"](0))
    writer(journal).write(path, {"en": 'a <cat> & a \x1b]0;dog\x07 "so"'})
    assert {words.text for words in read_words(path)} >= {'a <cat> & a ]0;dog "so"'}


def test_a_packet_too_large_for_a_jpeg_is_a_sentence(tmp_path, journal):
    path = tmp_path / "a.jpg"
    path.write_bytes(FILES["jpeg.jpg"](0))
    with pytest.raises(BadImage, match="larger than a JPEG can hold"):
        writer(journal).write(path, {"en": "cat " * 20_000})
