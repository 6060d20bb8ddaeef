"""A contact sheet: what was found as one HTML page to look at, with nothing beside it but the pictures themselves."""

from collections.abc import Sequence
from html import escape
from pathlib import Path

from showtell.errors import BadImage
from showtell.images.thumbnails import thumbnail_url
from showtell.search.answers import Match
from showtell.text.printable import in_page

__all__ = ["contact_sheet"]

_SIDE = 360  # pixels of a thumbnail's longer side

_PAGE = """\
<!doctype html>
<html lang="{language}">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>
:root {{ color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif; }}
body {{ margin: 1.5rem; }}
ul {{ display: grid; grid-template-columns: repeat(auto-fill, minmax(15rem, 1fr)); gap: 1.25rem; padding: 0; }}
li {{ list-style: none; }}
img, .gone {{ display: block; width: 100%; aspect-ratio: 1; object-fit: contain; border-radius: 6px; }}
img, .gone {{ background: #8882; }}
.gone {{ display: grid; place-items: center; }}
p {{ margin: .35rem 0 0; overflow-wrap: anywhere; }}
.why, .path {{ font-size: .85rem; opacity: .75; }}
</style>
<h1>{title}</h1>
<p>{subtitle}</p>
<ul>
{cards}
</ul>
</html>
"""

_CARD = """\
<li><a href="{link}">{picture}</a>
<p lang="{language}">{caption}</p>
<p class="why">{why}</p>
<p class="path">{path}</p></li>"""


def contact_sheet(matches: Sequence[Match], *, title: str, subtitle: str = "", language: str = "en") -> str:
    """The page.

    Args:
        title: what was looked for.
        subtitle: what there is to say of all the pictures.
        language: of the title.
    """
    cards = "\n".join(map(_card, matches))
    return _PAGE.format(
        title=in_page(title), subtitle=in_page(subtitle), language=in_page(language), cards=cards
    )


def _card(match: Match) -> str:
    why = match.reason if match.probability is None else f"{match.probability:.0%}: {match.reason}"
    # Names of files need not be Unicode, but pages are.
    path = match.path.encode("utf-8", "replace").decode("utf-8")
    return _CARD.format(
        link=escape(Path(match.path).as_uri()),
        picture=_picture(match),
        language=in_page(match.language or "en"),
        caption=in_page(match.caption or ""),
        why=in_page(why),
        path=in_page(path),
    )


def _picture(match: Match) -> str:
    """The thumbnail, or what is wrong with the file now."""
    try:
        url = thumbnail_url(match.path, _SIDE)
    except BadImage as error:
        return f'<span class="gone">{in_page(error.reason)}</span>'
    return f'<img src="{url}" alt="{in_page(match.caption or "")}">'
