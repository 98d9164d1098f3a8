"""Keeping secrets without knowing them: argon2 for what people choose, SHA-256 for long random tokens."""

from __future__ import annotations

import hashlib
import threading

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher(memory_cost=32 * 1024, parallelism=2)
# Each hash takes 32 MiB and a core: two at once keep a burst of sign-ins from starving the rest.
_slots = threading.BoundedSemaphore(2)


def hash_password(password: str) -> str:
    """The argon2 hash of a password, to be kept in its place."""
    with _slots:
        return _hasher.hash(password)


def matches(password_hash: str, password: str) -> bool:
    """Whether this is the password the hash was made of."""
    with _slots:
        try:
            return _hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False


def digest(token: str) -> str:
    """SHA-256 of a random token, hexadecimal: enough for what cannot be guessed."""
    return hashlib.sha256(token.encode()).hexdigest()
