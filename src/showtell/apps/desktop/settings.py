"""What the window remembers from one time to the next: a small JSON file in the user's folder of settings."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, Self

from platformdirs import user_config_path

from showtell.files import write_json

__all__ = ["Settings", "settings_path"]


def settings_path() -> Path:
    """Where the settings are: the environment's ``SHOWTELL_SETTINGS``, or the user's folder of settings."""
    named = os.environ.get("SHOWTELL_SETTINGS")
    return Path(named) if named else user_config_path("showtell", appauthor=False) / "desktop.json"


@dataclass(slots=True)
class Settings:
    """What is remembered.

    Attributes:
        language: of the window.
        geometry: its size and place, as Tk writes them.
        folder: where pictures were last opened.
        library: the library that is searched.
    """

    language: str = ""
    geometry: str = ""
    folder: str = ""
    library: str = ""

    @classmethod
    def read(cls, path: Path) -> Self:
        """What the file says; what it does not say, or says wrongly, is as at the first time."""
        try:
            saved: Any = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            return cls()
        known = {one.name for one in fields(cls)}
        if not isinstance(saved, dict):
            return cls()
        return cls(**{key: value for key, value in saved.items() if key in known and isinstance(value, str)})

    def write(self, path: Path) -> None:
        """Write the file whole; a folder that cannot be written is no reason to fail."""
        with suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            write_json(path, asdict(self), indent=1)
