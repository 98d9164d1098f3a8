"""What people and programs wrote into a photo: XMP (titles, keywords, ratings) and its elder, IPTC.

XMP is XML from strangers: a packet that declares a document type or an entity is ignored, so nothing is ever
expanded or fetched. Adobe XMP specification parts 1 and 2; IPTC-NAA Information Interchange Model 4.2.
"""

from __future__ import annotations

import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, field

from app.imaging.text import decode_text

_MAX_XMP_BYTES = 2 * 1024**2
_MAX_VALUES = 1000

_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_LANGUAGE = "{http://www.w3.org/XML/1998/namespace}lang"
_NAMESPACES = {
    "http://purl.org/dc/elements/1.1/": "dc",
    "http://ns.adobe.com/xap/1.0/": "xmp",
    "http://ns.adobe.com/photoshop/1.0/": "photoshop",
    "http://ns.adobe.com/exif/1.0/": "exif",
    "http://cipa.jp/exif/1.0/": "exifEX",
    "http://ns.adobe.com/exif/1.0/aux/": "aux",
    "http://ns.adobe.com/tiff/1.0/": "tiff",
    "http://ns.microsoft.com/photo/1.0/": "MicrosoftPhoto",
    "http://ns.microsoft.com/photo/1.0": "MicrosoftPhoto",
}


@dataclass(frozen=True)
class Iptc:
    """The datasets of the application record that matter here."""

    title: str | None = None
    caption: str | None = None
    keywords: list[str] = field(default_factory=list)
    date: str | None = None  # CCYYMMDD
    time: str | None = None  # HHMMSS+HHMM


def read_xmp(packet: bytes) -> dict[str, list[str]]:
    """Properties as ``prefix:name`` -> values, uncleaned; the default language first. Empty if unreadable."""
    root = _parse(packet)
    found: dict[str, list[str]] = {}
    if root is None:
        return found
    for description in root.iter(_RDF + "Description"):
        for name, value in description.attrib.items():
            _add(found, name, [value])
        for element in description:
            _add(found, element.tag, _element_values(element))
        if len(found) > _MAX_VALUES:
            break
    return found


def _parse(packet: bytes) -> ElementTree.Element | None:
    if len(packet) > _MAX_XMP_BYTES:
        return None
    try:
        # Decoded before it is searched, so that no encoding can hide the declarations.
        text = packet.decode("utf-16" if packet[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8")
    except UnicodeDecodeError:
        text = packet.decode("latin-1")
    text = text.strip("\ufeff\0 \r\n\t")
    if "\0" in text or "<!" in text.replace("<!--", ""):
        return None  # DOCTYPE, ENTITY, CDATA: no program writes them, and only the first two are dangerous
    try:
        return ElementTree.fromstring(text)  # noqa: S314 - no declaration is left in it
    except (ElementTree.ParseError, ValueError):
        return None


def _element_values(element: ElementTree.Element) -> list[str]:
    items = list(element.iter(_RDF + "li"))
    if not items:
        return [element.text or ""]
    items.sort(key=lambda item: item.get(_LANGUAGE) not in (None, "x-default"))
    return [item.text or "" for item in items[:_MAX_VALUES]]


def _add(found: dict[str, list[str]], name: str, values: list[str]) -> None:
    namespace, _, local = name.removeprefix("{").partition("}")
    prefix = _NAMESPACES.get(namespace)
    values = [value for value in values if value.strip()]
    if prefix and values:
        found.setdefault(f"{prefix}:{local}", []).extend(values)


def read_iptc(data: bytes) -> Iptc:
    """Datasets up to the first unreadable one."""
    values: dict[int, list[bytes]] = {}
    utf8 = False
    position = 0
    while position + 5 <= len(data) and data[position] == 0x1C and len(values) < _MAX_VALUES:
        record, dataset = data[position + 1], data[position + 2]
        length = int.from_bytes(data[position + 3 : position + 5], "big")
        if length & 0x8000:  # extended datasets hold pictures
            break
        content = data[position + 5 : position + 5 + length]
        if (record, dataset) == (1, 90):
            utf8 = content == b"\x1b%G"
        elif record == 2 and len(values.setdefault(dataset, [])) < _MAX_VALUES:
            values[dataset].append(content)
        position += 5 + length
    texts = {
        dataset: [item.decode("utf-8", "replace") if utf8 else decode_text(item) for item in items]
        for dataset, items in values.items()
    }
    first = {dataset: items[0] for dataset, items in texts.items()}
    return Iptc(first.get(5), first.get(120), texts.get(25, []), first.get(55), first.get(60))
