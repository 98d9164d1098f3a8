"""Keys, pairing, users."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KeyView:
    id: str
    name: str
    scopes: tuple[str, ...]
    created: str
    used: str


@dataclass(frozen=True)
class ScopeChoice:
    scope: str
    label: str
    usual: bool = False


@dataclass(frozen=True)
class PairingView:
    """A code for a device: as a picture to scan (a data: URL), and to type."""

    picture: str
    code: str


@dataclass(frozen=True)
class AccountRow:
    id: str
    name: str
    is_admin: bool
    disabled: bool
    created: str
    is_self: bool = False
