"""Names of captioners -> captioners: those that ship, folders, and those of the Hugging Face Hub (``hf:``).

A name that begins with ``hf:`` is the only thing for which Showtell uses the network: its files are fetched once into
the user's cache, and used from there ever after.
"""

import difflib
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from showtell.captioning.bundle import read_bundle
from showtell.captioning.bundle_files import MANIFEST
from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import BadBundle, MissingExtra, ShowtellError

__all__ = ["HubName", "NotConverted", "bundle_folder", "download", "load", "publish", "shipped_models"]

PREFIX = "hf:"

_BUNDLES = Path(__file__).parent / "bundles"
_NAME = re.compile(r"hf:(?P<repository>[\w.-]+(?:/[\w.-]+)?)(?:@(?P<revision>[\w./-]+))?")


class NotConverted(BadBundle):
    """A name of the hub whose repository holds a model of `transformers`, which has not been converted yet."""


@dataclass(frozen=True, slots=True)
class HubName:
    """A repository of the Hugging Face Hub.

    Attributes:
        repository: ``ORG/NAME``, or ``NAME`` for old ones.
        revision: a branch, tag or commit.
    """

    repository: str
    revision: str = "main"

    @classmethod
    def parse(cls, name: str) -> "HubName":
        """``hf:ORG/NAME``, or ``hf:ORG/NAME@REVISION``.

        Raises:
            ShowtellError: it is no such name.
        """
        found = _NAME.fullmatch(name)
        if found is None:
            raise ShowtellError(f"{name}: is no name of the hub; write hf:ORG/NAME or hf:ORG/NAME@REVISION")
        return cls(found["repository"], found["revision"] or "main")

    def __str__(self) -> str:
        return f"{PREFIX}{self.repository}" + ("" if self.revision == "main" else f"@{self.revision}")

    @property
    def cached(self) -> Path:
        """Where its bundle lies once it has been fetched or converted."""
        from platformdirs import user_cache_path

        plain = re.sub(r"[^\w.-]", "--", f"{self.repository}@{self.revision}")
        return user_cache_path("showtell") / "hf" / plain


def load(name_or_path: str | Path = "base", *, threads: int | None = None) -> BundleCaptioner:
    """A captioner by the name of a bundle that ships with the package, a bundle's folder, or a name of the hub.

    Args:
        name_or_path: ``base``, a folder, or ``hf:ORG/NAME`` (fetched once, then used from the cache).
        threads: batches of pictures that are worked on at a time; as many as the process may use processors
            unless given.

    Raises:
        BadBundle: there is none, or what is there is broken, unsafe or of a later format.
        ShowtellError: the hub cannot be reached.
        MissingExtra: the hub's library is not installed.
    """
    return BundleCaptioner(read_bundle(bundle_folder(name_or_path)), threads=threads)


def shipped_models() -> tuple[str, ...]:
    """The names of the bundles that ship with the package."""
    return tuple(sorted(path.parent.name for path in _BUNDLES.glob("*/manifest.json")))


def bundle_folder(name_or_path: str | Path) -> Path:
    """Where a bundle lies. A name of ours comes before a folder of the same name, which is ``./base``.

    Raises:
        BadBundle: there is no such name and no such file or folder.
        NotConverted: the hub has a model of `transformers` of this name.
        ShowtellError: the hub cannot be reached.
        MissingExtra: the hub's library is not installed.
    """
    shipped = shipped_models()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return _BUNDLES / name_or_path
    if isinstance(name_or_path, str) and name_or_path.startswith(PREFIX):
        return _from_hub(HubName.parse(name_or_path))
    if Path(name_or_path).exists():
        return Path(name_or_path)
    near = difflib.get_close_matches(str(name_or_path), shipped, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    there = ", ".join(shipped) or "none"
    raise BadBundle(
        f"{name_or_path}: there is no such model{hint}; name a bundle's folder, hf:ORG/NAME, or one of those that "
        f"ship with showtell: {there}"
    )


def _from_hub(name: HubName) -> Path:
    """The bundle of a name of the hub, fetched unless it is in the cache."""
    folder = name.cached
    if (folder / MANIFEST).is_file():
        return folder
    hub = _library()
    with _plain_errors(name):
        published = hub.file_exists(name.repository, MANIFEST, revision=name.revision)
    if not published:
        raise NotConverted(f"{name}: is no bundle of Showtell; convert it once: showtell import {name}")
    part = folder.with_name(f"{folder.name}.part")
    download(name, ["*.onnx", "*.json", "*.md"], part)
    shutil.rmtree(part / ".cache", ignore_errors=True)
    read_bundle(part)
    part.rename(folder)
    return folder


def download(name: HubName, patterns: list[str], folder: Path | None = None) -> Path:
    """Fetch files of a repository; started again, it goes on.

    Args:
        patterns: of the files' names.
        folder: where to; the cache that the hub's library shares among programs unless given.

    Returns:
        The folder that has them.

    Raises:
        ShowtellError: the hub cannot be reached, or has no such repository.
        MissingExtra: the hub's library is not installed.
    """
    hub = _library()
    with _plain_errors(name):
        found = hub.snapshot_download(
            name.repository, revision=name.revision, local_dir=folder, allow_patterns=patterns
        )
    return Path(found)


def publish(
    bundle: Path, folder: Path, *, licence: str, to: str | None = None, private: bool = False
) -> str | None:
    """Prepare a bundle as a repository of the hub, and upload it when told to.

    Args:
        bundle: the bundle's folder.
        folder: where the repository is prepared: the bundle's files and a ``README.md`` that the hub reads.
        licence: of the weights, by the hub's identifier, for instance ``mit`` or ``cc-by-4.0``.
        to: ``ORG/NAME`` to upload to; None to upload nothing.
        private: whether a repository that is made is private.

    Returns:
        The address of the repository; None where nothing was uploaded.

    Raises:
        BadBundle: the folder holds no bundle.
        ShowtellError: the folder to prepare in holds other things, or the hub refuses the upload.
        MissingExtra: the hub's library is not installed.
    """
    content = read_bundle(bundle)
    if folder.exists() and any(folder.iterdir()) and not (folder / MANIFEST).is_file():
        raise ShowtellError(f"{folder}: holds other things; name a folder that is new or empty")
    shutil.copytree(bundle, folder, dirs_exist_ok=True)
    card = (
        (folder / "card.md").read_text(encoding="utf-8", errors="replace")
        if (folder / "card.md").is_file()
        else ""
    )
    header = [
        "---",
        f"license: {licence}",
        "library_name: showtell",
        "pipeline_tag: image-to-text",
        "language:",
        *(f"- {language}" for language in content.languages),
        "tags:",
        "- image-captioning",
        "- onnx",
        "---",
    ]
    use = f"```\npip install 'showtell[hf]'\nshowtell caption photo.jpg --model hf:{to or 'ORG/NAME'}\n```"
    text = "\n".join(header) + f"\n\n{card.strip() or '# ' + content.name}\n\n## Use\n\n{use}\n"
    (folder / "README.md").write_text(text, encoding="utf-8", newline="\n")
    if to is None:
        return None
    hub, name = _library(), HubName.parse(f"{PREFIX}{to}")
    with _plain_errors(name):
        api = hub.HfApi()
        api.create_repo(name.repository, private=private, exist_ok=True)
        return str(api.upload_folder(repo_id=name.repository, folder_path=folder).repo_url)


def _library() -> Any:
    try:
        import huggingface_hub
    except ModuleNotFoundError:
        raise MissingExtra(
            "models of the Hugging Face Hub need its library, which is not installed: pip install 'showtell[hf]'"
        ) from None
    return huggingface_hub


@contextmanager
def _plain_errors(name: HubName) -> Iterator[None]:
    """What the hub's library complains of, as a sentence."""
    try:
        yield
    except ShowtellError:
        raise
    except Exception as error:  # its errors, and those of the library under it, share no class
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise ShowtellError(
            f"{name}: the Hugging Face Hub refused or could not be reached ({reason}); check the name and the network"
        ) from error
