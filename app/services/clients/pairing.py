"""Pairing: a device brings a short code from the settings page and gets a key of its own for it, once and in time.

The code stands in the QR code on the screen; the key's secret goes to the device alone. Only the code's hash is kept.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.db import ReadSession, WriteSession, utcnow
from app.errors import Invalid, NotFound
from app.models import ApiKey, Pairing, User
from app.services import accounts, passwords
from app.services.accounts import Viewer

LIFETIME = timedelta(minutes=10)
_LETTERS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"  # none that look alike
_LENGTH = 16  # 80 bits: not to be guessed in ten minutes, and short enough to type


@dataclass(frozen=True)
class Offer:
    """A code like ``7KQ4-9PXT-2MHV-CW3R`` and until when it is good."""

    code: str
    expires_at: datetime


def offer(session: WriteSession, viewer: Viewer, name: str, scopes: list[str]) -> Offer:
    """Let one device have a key of that name and those scopes.

    Raises:
        NotAllowed, Invalid: as for making the key oneself; and no key for administration is given away like this.
    """
    if "admin" in scopes:
        raise Invalid("A key for administration is made by hand, not by a code.", field="scopes")
    name, scopes = accounts.checked_key(viewer, name, scopes)
    session.execute(delete(Pairing).where(Pairing.expires_at <= utcnow()))
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    expires_at = utcnow() + LIFETIME
    session.add(
        Pairing(
            user_id=viewer.user_id,
            code_hash=passwords.digest(letters),
            name=name,
            scopes=scopes,
            expires_at=expires_at,
        )
    )
    return Offer("-".join(letters[i : i + 4] for i in range(0, _LENGTH, 4)), expires_at)


def require_open(session: ReadSession, code: str) -> None:
    """Raises NotFound for a code that is wrong, used or too old; saves a stranger's guess the write lock."""
    open_ = select(Pairing.id).where(Pairing.code_hash == _hash(code), Pairing.expires_at > utcnow())
    if session.scalar(open_) is None:
        raise _wrong()


def redeem(session: WriteSession, code: str) -> tuple[ApiKey, str, User]:
    """The key for a code, its secret and whose it is; of two that come with the same code one gets it.

    Raises:
        NotFound: the code is wrong, used or too old.
    """
    taken = delete(Pairing).where(Pairing.code_hash == _hash(code), Pairing.expires_at > utcnow())
    row = session.execute(taken.returning(Pairing.user_id, Pairing.name, Pairing.scopes)).first()
    user = session.get(User, row.user_id) if row is not None else None
    if row is None or user is None or user.disabled_at is not None:
        raise _wrong()
    key, secret = accounts.create_key(session, accounts.viewer_of(user), row.name, row.scopes)
    return key, secret, user


def _hash(code: str) -> str:
    return passwords.digest("".join(c for c in code.upper() if c.isalnum()))


def _wrong() -> NotFound:
    return NotFound("This code is wrong, used already, or too old. Show a new one on the settings page.")
