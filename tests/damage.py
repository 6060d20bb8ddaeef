"""What tests damage and with what: good files of every corpus format, and bytes that readers trip over."""

import io
import json
import tarfile

SPLICES = (
    b"",
    b"\n",
    b'"',
    b"\0",
    b"\xff",
    b"\xef\xbb\xbf",
    b",",
    b"\t",
    b"#",
    b"{",
    b"[" * 5_000,
    b"9" * 5_000,
    b"1e999",
    b"-1",
    b"NaN",
    b"null",
    b'"\\ud800"',
    "\u202e".encode(),
    b"\xff\xff\xff\x7f",
    b"../",
    b"a.jpg",
)


def tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()


COCO = {
    "images": [{"id": 1, "file_name": "a.jpg"}, {"id": 2, "file_name": "b.jpg"}],
    "annotations": [
        {"id": 1, "image_id": 1, "caption": "A dog \u00e9.", "language": "en", "source": "people"},
        {"id": 2, "image_id": 2, "caption": "一只狗", "language": "zh", "source": "model"},
    ],
}
KARPATHY = {
    "images": [{"filename": "a.jpg", "split": "val", "filepath": "x", "sentences": [{"raw": "A dog ."}]}]
}
ROWS = b'image,caption,split,language\na.jpg,"A dog, ""a"" cat.",train,en\nb.jpg,"A\ncow.",dev,en\n'
LINES = [
    {"file_name": "a.jpg", "text": "A dog."},
    {"file_name": "b.jpg", "captions": ["A cow.", "['A', \"B\"]"]},
]
JSONL = "\n".join(map(json.dumps, LINES)).encode()
TOKENS = "a.jpg#0\tA dog .\nb.jpg#1\tA caf\u00e9 .\n".encode()
CHINESE = "a.jpg#zhc#0 一只狗\nb.jpg#zhb#0 cow 牛\n".encode()

# The spec, the file that is damaged, the file as it should be, and others beside it.
CORPORA: dict[str, tuple[str, str, bytes, dict[str, bytes]]] = {
    "tokens": ("flickr8k:{}", "Flickr8k.token.txt", TOKENS, {}),
    "captions": ("flickr8k:{}", "captions.txt", b'image,caption\na.jpg,"A dog"\nb.jpg,A "cow" .\n', {}),
    "lists": ("flickr8k:{}", "Flickr_8k.trainImages.txt", b"a.jpg\nb.jpg\n", {"Flickr8k.token.txt": TOKENS}),
    "chinese": ("flickr8k:{}+cn", "flickr8kzhc.caption.txt", CHINESE, {"Flickr8k.token.txt": TOKENS}),
    "coco": ("coco:{}", "annotations/captions_train.json", json.dumps(COCO).encode(), {}),
    "karpathy": ("coco:{}", "dataset_coco.json", json.dumps(KARPATHY).encode(), {}),
    "csv": ("table:{}/t.csv", "t.csv", ROWS, {}),
    "tsv": ("table:{}/t.tsv", "t.tsv", ROWS.replace(b",", b"\t"), {}),
    "named": ("table:{}/t.csv?image=image&caption=caption", "t.csv", ROWS, {}),
    "jsonl": ("table:{}/t.jsonl", "t.jsonl", JSONL, {}),
    "sidecars": ("folder:{}", "Images/a.txt", "A dog.\n一只狗\n".encode(), {}),
    "metadata": ("folder:{}", "Images/metadata.jsonl", JSONL, {}),
    "shard": ("webdataset:{}", "0.tar", tar({"1.jpg": b"x" * 99, "1.txt": b"A dog.", "1.json": b"{}"}), {}),
}
