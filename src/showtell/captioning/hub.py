"""Names of captioners -> captioners."""

from pathlib import Path

from showtell.captioning.bundle import read_bundle
from showtell.captioning.captioner import Captioner
from showtell.errors import BadBundle

__all__ = ["load"]

_BUNDLES = Path(__file__).parent / "bundles"


def load(name_or_path: str | Path = "base", *, threads: int | None = None) -> Captioner:
    """A captioner by the name of a bundle that ships with the package, or by a bundle's folder.

    threads: batches of pictures that are worked on at a time; as many as the process may use processors
        unless given.

    Raises BadBundle when there is none, or what is there is broken, unsafe or of a later format.
    """
    return Captioner(read_bundle(_folder(name_or_path)), threads=threads)


def _folder(name_or_path: str | Path) -> Path:
    """Where the bundle lies. A name of ours comes before a folder of the same name, which is ``./base``."""
    shipped = sorted(path.parent.name for path in _BUNDLES.glob("*/manifest.json"))
    if isinstance(name_or_path, str) and name_or_path in shipped:
        return _BUNDLES / name_or_path
    if Path(name_or_path).exists():
        return Path(name_or_path)
    there = ", ".join(shipped) or "none"
    raise BadBundle(
        f"{name_or_path}: there is no such model; name a bundle's folder, or one of those that ship with "
        f"showtell: {there}"
    )
