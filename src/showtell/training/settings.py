"""Which numbers a setting may be: a recipe is refused when it is read, not after an hour of encoding."""

import math


def check_ranges(settings: object, **ranges: tuple[float, float]) -> None:
    """Hold attributes to their ranges, both ends included.

    Raises:
        ValueError: names the first that is outside of its own.
    """
    for name, (least, most) in ranges.items():
        value = getattr(settings, name)
        if not least <= value <= most:
            allowed = f"at least {least:g}" if most == math.inf else f"from {least:g} to {most:g}"
            raise ValueError(f"{name} must be {allowed}, not {value!r}")
