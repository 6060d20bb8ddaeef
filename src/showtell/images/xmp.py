"""XMP packets: what is said of a picture in which language, read, and set without loss of what others wrote.

::

    dc:description                        what photo tools show
    Iptc4xmpCore:AltTextAccessibility     what screen readers read
    showtell:caption, showtell:model      what Showtell wrote, and which model said it

A text that still equals ``showtell:caption`` is the machine's; any other is a person's.
"""

import re
from typing import NamedTuple, Self
from xml.dom import minidom
from xml.parsers.expat import ExpatError

__all__ = ["ALT_TEXT", "CAPTION", "DEFAULT", "DESCRIPTION", "MODEL", "Packet", "Property"]


class Property(NamedTuple):
    """The name of an element: its namespace, the prefix that is usual for that, and what it is called there."""

    namespace: str
    prefix: str
    name: str


_SHOWTELL = "urn:showtell:captions:1:"
DESCRIPTION = Property("http://purl.org/dc/elements/1.1/", "dc", "description")
ALT_TEXT = Property("http://iptc.org/std/Iptc4xmpCore/1.0/xmlns/", "Iptc4xmpCore", "AltTextAccessibility")
CAPTION = Property(_SHOWTELL, "showtell", "caption")
MODEL = Property(_SHOWTELL, "showtell", "model")

DEFAULT = "x-default"
"""The language of a text that stands for all others."""

_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
_XML = "http://www.w3.org/XML/1998/namespace"
_XMLNS = "http://www.w3.org/2000/xmlns/"
_LARGEST = 16 * 2**20
_EMPTY = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/">'
    f'<rdf:RDF xmlns:rdf="{_RDF}"><rdf:Description rdf:about=""/></rdf:RDF></x:xmpmeta>'
)
_BEGIN = '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
_END = '\n<?xpacket end="w"?>'
_NO_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class Packet:
    """The words in a packet. Made by `parse`."""

    def __init__(self, document: minidom.Document, root: minidom.Element) -> None:
        self._document, self._root = document, root

    @classmethod
    def parse(cls, data: bytes | None) -> Self:
        """Read a packet, or begin one.

        Raises:
            ValueError: it is broken, or of a kind that is never read.
        """
        text = _EMPTY if data is None else _decoded(data)
        if "<!DOCTYPE" in text or "<!ENTITY" in text:  # which could make much of little, or name files
            raise ValueError("its XMP has a document type, which XMP may not have")
        try:
            document = minidom.parseString(text.encode("utf-8", "replace"))
        except (ExpatError, ValueError) as error:
            raise ValueError(f"its XMP is broken ({error})") from error
        except RecursionError:
            raise ValueError("its XMP is nested too deeply") from None
        top = document.documentElement
        root = next((one for one in [top, *_children(top)] if _is(one, _rdf("RDF"))), None) if top else None
        if root is None:
            raise ValueError("its XMP is broken (there is no rdf:RDF)")
        return cls(document, root)

    def texts(self, what: Property) -> dict[str, str]:
        """What a property says, by language. Without a language it is `DEFAULT`."""
        found: dict[str, str] = {}
        for description in self._descriptions():
            if attribute := description.getAttributeNS(what.namespace, what.name):
                found.setdefault(DEFAULT, attribute)
        for element in self._elements(what):
            items = [item for alternatives in _children(element) for item in _children(alternatives)]
            for item in items or [element]:
                language = item.getAttributeNS(_XML, "lang") or DEFAULT
                if text := _text(item).strip():
                    found.setdefault(language, text)
        return found

    def set(self, what: Property, language: str, text: str) -> None:
        """Make a property say this in a language, in place of what it said in it."""
        for description in self._descriptions():
            if description.hasAttributeNS(what.namespace, what.name):
                description.removeAttributeNS(what.namespace, what.name)
        alternatives = self._alternatives(what)
        text = _NO_XML.sub("", text)
        for item in _children(alternatives):
            if (item.getAttributeNS(_XML, "lang") or DEFAULT) == language:
                for child in list(item.childNodes):
                    item.removeChild(child)
                item.appendChild(self._document.createTextNode(text))
                return
        item = self._new(_rdf("li"))
        item.setAttributeNS(_XML, "xml:lang", language)
        item.appendChild(self._document.createTextNode(text))
        # Readers without a choice of their own take the first.
        first = alternatives.firstChild if language == DEFAULT else None
        alternatives.insertBefore(item, first)

    def to_bytes(self) -> bytes:
        """The packet as a file holds it.

        Raises:
            ValueError: it is nested too deeply.
        """
        try:
            text = "".join(
                node.toxml()
                for node in self._document.childNodes
                if node.nodeType != node.PROCESSING_INSTRUCTION_NODE
            )
        except RecursionError:
            raise ValueError("its XMP is nested too deeply") from None
        return (_BEGIN + text + _END).encode("utf-8")

    def _descriptions(self) -> list[minidom.Element]:
        """The elements whose children and attributes are the properties."""
        return [child for child in _children(self._root) if _is(child, _rdf("Description"))]

    def _elements(self, what: Property) -> list[minidom.Element]:
        return [
            child
            for description in self._descriptions()
            for child in _children(description)
            if _is(child, what)
        ]

    def _alternatives(self, what: Property) -> minidom.Element:
        """The list of a property's texts, made where there is none."""
        found = self._elements(what)
        element = found[0] if found else self._added(what)
        for child in _children(element):
            if any(_is(child, _rdf(kind)) for kind in ("Alt", "Bag", "Seq")):
                return child
        plain = _text(element).strip()
        for node in list(element.childNodes):
            element.removeChild(node)
        alternatives = self._new(_rdf("Alt"))
        element.appendChild(alternatives)
        if plain:  # a text without a language keeps its place
            self.set(what, DEFAULT, plain)
        return alternatives

    def _added(self, what: Property) -> minidom.Element:
        descriptions = self._descriptions()
        if not descriptions:
            descriptions = [self._new(_rdf("Description"))]
            descriptions[0].setAttributeNS(_RDF, "rdf:about", "")
            self._root.appendChild(descriptions[0])
        element = self._new(what)
        descriptions[0].appendChild(element)
        return element

    def _new(self, what: Property) -> minidom.Element:
        """An empty element that declares the prefix of its name."""
        element = self._document.createElementNS(what.namespace, f"{what.prefix}:{what.name}")
        element.setAttributeNS(_XMLNS, f"xmlns:{what.prefix}", what.namespace)
        return element


def _decoded(data: bytes) -> str:
    """A packet's bytes as text; files of their own may be in UTF-16 or UTF-32."""
    if len(data) > _LARGEST:
        raise ValueError("its XMP is larger than any")
    data = data.rstrip(b"\0") if data[:2] not in (b"\xff\xfe", b"\xfe\xff") else data
    for mark, encoding in ((b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"), (b"\xef\xbb\xbf", "utf-8-sig")):
        if data.startswith(mark):
            # Without the declaration of the encoding that it was in.
            return re.sub(r"^\s*<\?xml[^>]*\?>", "", data.decode(encoding, "replace")).lstrip()
    return data.decode("utf-8", "replace").lstrip()


def _rdf(name: str) -> Property:
    return Property(_RDF, "rdf", name)


def _is(element: minidom.Element, what: Property) -> bool:
    return (element.namespaceURI, element.localName) == (what.namespace, what.name)


def _children(element: minidom.Element) -> list[minidom.Element]:
    return [node for node in element.childNodes if isinstance(node, minidom.Element)]


def _text(element: minidom.Element) -> str:
    return "".join(node.data for node in element.childNodes if isinstance(node, minidom.Text))
