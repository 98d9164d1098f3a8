"""Users, sign-ins and API keys. Secrets are random, shown once, and kept only as hashes."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, func, select, update

from app.db import ReadSession, WriteSession, utcnow
from app.errors import Conflict, Invalid, NotAllowed, NotFound, NotSignedIn, TooManyRequests
from app.models import ApiKey, LoginFailure, SignIn, User
from app.sentences import say
from app.services import passwords
from app.settings import Settings

SCOPES: dict[str, str] = {
    "photos.read": "See photos, their metadata, tags, people and places, and search them.",
    "photos.upload": "Add photos.",
    "photos.write": "Change titles, tags, favourites, dates; delete and restore photos; make edits.",
    "albums.read": "See albums.",
    "albums.write": "Make, change and delete albums and what is in them.",
    "images": "Process and analyse pictures that are not stored.",
    "admin": "Manage users and run commands on the whole installation (administrators only).",
}
LOGIN_WINDOW = timedelta(minutes=15)
_TOUCH_EVERY = timedelta(minutes=1)

_dummy_hash: str | None = None


@dataclass(frozen=True)
class Viewer:
    """Who is asking. ``scopes`` is None for a signed-in session (everything its user may do)."""

    user_id: UUID
    username: str
    is_admin: bool = False
    scopes: frozenset[str] | None = None
    language: str | None = None
    session_id: UUID | None = None

    def may(self, scope: str) -> bool:
        if scope == "admin" and not self.is_admin:
            return False
        return self.scopes is None or scope in self.scopes


def viewer_of(user: User) -> Viewer:
    return Viewer(user.id, user.username, user.is_admin, language=user.language)


# --- users ----------------------------------------------------------------------------------------------------


def has_users(session: ReadSession) -> bool:
    return session.scalar(select(User.id).limit(1)) is not None


def create_user(session: WriteSession, username: str, password: str, *, is_admin: bool = False) -> User:
    """Add a user.

    Raises:
        Invalid: the name or password does not meet the rules.
        Conflict: the name is taken (names differing only in case are the same).
    """
    username = username.strip()
    if not 1 <= len(username) <= 64 or not username.isprintable():
        raise Invalid("A user name has 1 to 64 printable characters.", field="username")
    if session.scalar(select(User.id).where(User.username_key == username.casefold())):
        raise Conflict(say("There is already a user named {username}.", username=username), field="username")
    user = User(
        username=username,
        username_key=username.casefold(),
        password_hash=_hash_password(password),
        is_admin=is_admin,
    )
    session.add(user)
    session.flush()
    return user


def set_up(session: WriteSession, username: str, password: str) -> User:
    """Create the first administrator; refused as soon as any user exists."""
    if has_users(session):
        raise Conflict("Albumen is already set up. Sign in instead.")
    return create_user(session, username, password, is_admin=True)


def get_user(session: ReadSession, username: str) -> User:
    user = session.scalar(select(User).where(User.username_key == username.strip().casefold()))
    if user is None:
        raise NotFound(say("There is no user named {username}.", username=username))
    return user


def get_user_by_id(session: ReadSession, user_id: UUID) -> User:
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("There is no such user.")
    return user


def list_users(session: ReadSession) -> list[User]:
    return list(session.scalars(select(User).order_by(User.username_key)))


def set_password(session: WriteSession, user: User, password: str) -> None:
    """Change a password and sign the user out everywhere."""
    user.password_hash = _hash_password(password)
    session.execute(delete(SignIn).where(SignIn.user_id == user.id))


def set_disabled(session: WriteSession, user: User, disabled: bool) -> None:
    """Disable (signing the user out everywhere) or enable. The last active administrator stays."""
    if disabled and user.is_admin:
        _keep_an_admin(session, user)
    user.disabled_at = utcnow() if disabled else None
    if disabled:
        session.execute(delete(SignIn).where(SignIn.user_id == user.id))


def set_admin(session: WriteSession, user: User, is_admin: bool) -> None:
    if not is_admin and user.is_admin:
        _keep_an_admin(session, user)
    user.is_admin = is_admin


def _keep_an_admin(session: ReadSession, user: User) -> None:
    others = select(func.count()).where(User.is_admin, User.disabled_at.is_(None), User.id != user.id)
    if not session.scalar(others):
        raise Conflict("This is the only active administrator.")


def _hash_password(password: str) -> str:
    if not 8 <= len(password) <= 1024:
        raise Invalid("A password has at least 8 characters (and at most 1,024).", field="password")
    return passwords.hash_password(password)


# --- signing in -----------------------------------------------------------------------------------------------


def check_password(
    session: ReadSession, settings: Settings, username: str, password: str, address: str
) -> User:
    """The user, when name and password are right.

    Raises:
        NotSignedIn: wrong name or password, or a disabled user (indistinguishable on purpose). Call
            ``record_failure`` then, in a transaction that is committed.
        TooManyRequests: too many failures for this name or address in the last 15 minutes.
    """
    since = utcnow() - LOGIN_WINDOW
    for key in _throttle_keys(username, address):
        count = (
            session.scalar(select(func.count()).where(LoginFailure.key == key, LoginFailure.at > since)) or 0
        )
        if count >= settings.login_attempts * (5 if key.startswith("address:") else 1):
            raise TooManyRequests(
                "Too many failed sign-ins. Wait a quarter of an hour and try again.",
                headers={"Retry-After": str(int(LOGIN_WINDOW.total_seconds()))},
            )
    user = session.scalar(select(User).where(User.username_key == username.strip().casefold()))
    # An unknown name takes as long as a wrong password, so that names cannot be probed by timing.
    right = passwords.matches(user.password_hash if user else _dummy(), password)
    if user is None or not right or user.disabled_at is not None:
        raise NotSignedIn("The user name or the password is wrong.")
    return user


def record_failure(session: WriteSession, username: str, address: str) -> None:
    session.execute(delete(LoginFailure).where(LoginFailure.at <= utcnow() - LOGIN_WINDOW))
    session.add_all(LoginFailure(key=key) for key in _throttle_keys(username, address))


def start_session(session: WriteSession, settings: Settings, user: User, user_agent: str = "") -> str:
    """Sign a user in; the returned token is not kept anywhere."""
    session.execute(delete(SignIn).where(SignIn.expires_at <= utcnow()))
    token = "als_" + secrets.token_urlsafe(32)
    expires = utcnow() + timedelta(days=settings.session_days)
    session.add(
        SignIn(
            user_id=user.id,
            token_hash=passwords.digest(token),
            user_agent=user_agent[:200],
            expires_at=expires,
        )
    )
    return token


def end_session(session: WriteSession, viewer: Viewer) -> None:
    if viewer.session_id is not None:
        session.execute(delete(SignIn).where(SignIn.id == viewer.session_id))


def csrf_token(token: str) -> str:
    """What a form must carry beside the cookie; a page of another site cannot compute it."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


def same_token(given: str, expected: str) -> bool:
    return hmac.compare_digest(given.encode(), expected.encode())


def _throttle_keys(username: str, address: str) -> tuple[str, str]:
    return f"name:{username.strip().casefold()[:64]}", f"address:{address[:100]}"


def _dummy() -> str:
    global _dummy_hash
    if _dummy_hash is None:
        _dummy_hash = passwords.hash_password(secrets.token_urlsafe(16))
    return _dummy_hash


# --- who is asking --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Credential:
    """A resolved token: its viewer, and whether its ``last_used_at`` is due for an update."""

    viewer: Viewer
    row: SignIn | ApiKey
    due: bool


def resolve(session: ReadSession, token: str) -> Credential | None:
    """The credential behind a session token or an API key; None when it is unknown, expired or disabled."""
    now, digest = utcnow(), passwords.digest(token)
    found: tuple[ApiKey | SignIn, User] | None
    if token.startswith("alk_"):
        key = select(ApiKey, User).join(User, User.id == ApiKey.user_id).where(ApiKey.secret_hash == digest)
        found = session.execute(key).tuples().first()
    else:
        sign_in = select(SignIn, User).join(User, User.id == SignIn.user_id)
        found = (
            session.execute(sign_in.where(SignIn.token_hash == digest, SignIn.expires_at > now))
            .tuples()
            .first()
        )
    if found is None or found[1].disabled_at is not None:
        return None
    row, user = found
    scopes = frozenset(row.scopes) if isinstance(row, ApiKey) else None
    viewer = Viewer(
        user.id,
        user.username,
        user.is_admin,
        scopes,
        user.language,
        row.id if isinstance(row, SignIn) else None,
    )
    return Credential(viewer, row, row.last_used_at is None or now - row.last_used_at > _TOUCH_EVERY)


def touch(session: WriteSession, credential: Credential) -> None:
    table = type(credential.row)
    session.execute(update(table).where(table.id == credential.row.id).values(last_used_at=utcnow()))


# --- API keys -------------------------------------------------------------------------------------------------


def checked_key(viewer: Viewer, name: str, scopes: list[str]) -> tuple[str, list[str]]:
    """The name and scopes a key of the viewer's is to have, in good order.

    Raises:
        NotAllowed: asked with a key (a key can never make another), or for a scope the user does not have.
        Invalid: unknown scope, or no name.
    """
    if viewer.scopes is not None:
        raise NotAllowed("API keys are managed from a signed-in session, not with another key.")
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise Invalid(
            say("Choose scopes among: {known}.", known=", ".join(SCOPES)), field="scopes", unknown=unknown
        )
    if "admin" in scopes and not viewer.is_admin:
        raise NotAllowed("Only an administrator's key may have the admin scope.")
    if not 1 <= len(name.strip()) <= 100:
        raise Invalid("Give the key a name of 1 to 100 characters.", field="name")
    return name.strip(), sorted(set(scopes))


def create_key(session: WriteSession, viewer: Viewer, name: str, scopes: list[str]) -> tuple[ApiKey, str]:
    """A new key and its secret, which is shown this once. Raises as ``checked_key``."""
    name, scopes = checked_key(viewer, name, scopes)
    secret = "alk_" + secrets.token_urlsafe(32)
    key = ApiKey(user_id=viewer.user_id, name=name, secret_hash=passwords.digest(secret), scopes=scopes)
    session.add(key)
    session.flush()
    return key, secret


def list_keys(session: ReadSession, viewer: Viewer) -> list[ApiKey]:
    return list(session.scalars(select(ApiKey).where(ApiKey.user_id == viewer.user_id).order_by(ApiKey.id)))


def revoke_key(session: WriteSession, viewer: Viewer, key_id: UUID) -> None:
    if viewer.scopes is not None:
        raise NotAllowed("API keys are managed from a signed-in session, not with another key.")
    key = session.get(ApiKey, key_id)
    if key is None or key.user_id != viewer.user_id:
        raise NotFound("There is no such key.")
    session.delete(key)
