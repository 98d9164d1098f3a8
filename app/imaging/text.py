"""Making text out of bytes that strangers wrote: decoded somehow, cleaned always, bounded."""

from __future__ import annotations

import unicodedata


def decode_text(data: bytes) -> str:
    """UTF-8 if it is that, else Windows Latin (what cameras and old software mean by ASCII)."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def one_line(text: str | None, limit: int) -> str | None:
    """Text without control characters, blanks run together, at most ``limit`` characters; None if nothing
    is left.
    """
    if text is None:
        return None
    cleaned = " ".join(_visible(text[: limit * 8]).split())
    return cleaned[:limit].rstrip() or None


def paragraphs(text: str | None, limit: int) -> str | None:
    """As ``one_line``, but line breaks stay."""
    if text is None:
        return None
    lines = text[: limit * 8].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cleaned = "\n".join(" ".join(_visible(line).split()) for line in lines).strip("\n")
    return cleaned[:limit].rstrip() or None


def _visible(text: str) -> str:
    """Controls become blanks; what no database or terminal should see (surrogates, unassigned) goes."""
    if text.isascii() and text.isprintable():
        return text
    kinds = ((character, unicodedata.category(character)) for character in text)
    return "".join(
        " " if kind == "Cc" else character for character, kind in kinds if kind not in ("Cs", "Cn")
    )
