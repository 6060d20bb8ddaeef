"""Names of captioners -> captioners."""

import difflib
from pathlib import Path

from showtell.captioning.bundle import read_bundle
from showtell.captioning.captioner import BundleCaptioner
from showtell.errors import BadBundle

__all__ = ["bundle_folder", "load", "shipped_models"]

_BUNDLES = Path(__file__).parent / "bundles"


def load(name_or_path: str | Path = "base", *, threads: int | None = None) -> BundleCaptioner:
    """A captioner by the name of a bundle that ships with the package, or by a bundle's folder.

    Args:
        threads: batches of pictures that are worked on at a time; as many as the process may use processors
            unless given.

    Raises:
        BadBundle: there is none, or what is there is broken, unsafe or of a later format.
    """
    return BundleCaptioner(read_bundle(bundle_folder(name_or_path)), threads=threads)


def shipped_models() -> tuple[str, ...]:
    """The names of the bundles that ship with the package."""
    return tuple(sorted(path.parent.name for path in _BUNDLES.glob("*/manifest.json")))


def bundle_folder(name_or_path: str | Path) -> Path:
    """Where a bundle lies. A name of ours comes before a folder of the same name, which is ``./base``.

    Raises:
        BadBundle: there is no such name and no such file or folder.
    """
    shipped = shipped_models()
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return _BUNDLES / name_or_path
    if Path(name_or_path).exists():
        return Path(name_or_path)
    near = difflib.get_close_matches(str(name_or_path), shipped, 1)
    hint = f" (did you mean {near[0]}?)" if near else ""
    there = ", ".join(shipped) or "none"
    raise BadBundle(
        f"{name_or_path}: there is no such model{hint}; name a bundle's folder, or one of those that ship with "
        f"showtell: {there}"
    )
