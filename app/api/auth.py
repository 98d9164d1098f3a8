"""Sign-in, sign-out, API keys, and the administrator's user list."""

from __future__ import annotations

from uuid import UUID

from fastapi import APIRouter, Request, Response

from app.api.schemas import (
    Credentials,
    KeyCreate,
    KeyCreated,
    KeyPublic,
    Listing,
    Me,
    Session,
    UserCreate,
    UserPublic,
    UserUpdate,
    problems,
)
from app.context import Context
from app.deps import SESSION_COOKIE, Administrator, ContextDep, ReadDb, SignedIn, WriteDb, check_same_origin
from app.errors import NotSignedIn
from app.services import accounts

router = APIRouter(tags=["accounts"])


def client_address(request: Request) -> str:
    return request.client.host if request.client else "unknown"


def sign_in(context: Context, request: Request, username: str, password: str) -> tuple[str, UserPublic]:
    """Check a password and start a session; shared with the sign-in page.

    The failure is recorded in a transaction of its own, because the request itself ends in an error.
    """
    address = client_address(request)
    try:
        with context.database.read() as reading:
            user = accounts.check_password(reading, context.settings, username, password, address)
    except NotSignedIn:
        with context.database.write() as session:
            accounts.record_failure(session, username, address)
        raise
    with context.database.write() as session:
        agent = request.headers.get("user-agent", "")
        token = accounts.start_session(session, context.settings, user, agent)
    return token, UserPublic.of(user)


def set_session_cookie(response: Response, context: Context, token: str) -> None:
    response.set_cookie(
        SESSION_COOKIE,
        token,
        max_age=context.settings.session_days * 86_400,
        httponly=True,
        samesite="lax",
        secure=context.settings.secure_cookies,
    )


@router.post(
    "/auth/setup",
    status_code=201,
    response_model=Session,
    responses=problems(409, 422),
    summary="Create the first administrator",
)
def set_up(request: Request, body: Credentials, session: WriteDb, context: ContextDep) -> Session:
    """Works only while there is no user at all."""
    check_same_origin(request)
    user = accounts.set_up(session, body.username, body.password)
    token = accounts.start_session(session, context.settings, user, request.headers.get("user-agent", ""))
    return Session(token=token, user=UserPublic.of(user))


@router.post("/auth/login", response_model=Session, responses=problems(401, 422, 429), summary="Sign in")
def login(request: Request, body: Credentials, context: ContextDep) -> Session:
    """Gives a session token for `Authorization: Bearer`."""
    check_same_origin(request)
    token, user = sign_in(context, request, body.username, body.password)
    return Session(token=token, user=user)


@router.post("/auth/logout", status_code=204, responses=problems(401, 403), summary="Sign out")
def logout(viewer: SignedIn, session: WriteDb, response: Response) -> None:
    accounts.end_session(session, viewer)
    response.delete_cookie(SESSION_COOKIE)


@router.get("/auth/me", response_model=Me, responses=problems(401), summary="Who am I?")
def who_am_i(viewer: SignedIn) -> Me:
    scopes = None if viewer.scopes is None else sorted(viewer.scopes)
    return Me(
        id=viewer.user_id,
        username=viewer.username,
        is_admin=viewer.is_admin,
        language=viewer.language,
        scopes=scopes,
    )


@router.get("/auth/keys", response_model=Listing[KeyPublic], responses=problems(401), summary="List API keys")
def list_keys(viewer: SignedIn, session: ReadDb) -> Listing[KeyPublic]:
    return Listing(items=[KeyPublic.model_validate(key) for key in accounts.list_keys(session, viewer)])


@router.post(
    "/auth/keys",
    status_code=201,
    response_model=KeyCreated,
    responses=problems(401, 403, 422),
    summary="Make an API key",
)
def create_key(viewer: SignedIn, session: WriteDb, body: KeyCreate) -> KeyCreated:
    """The secret is shown this once. A key cannot make keys, so it can never widen its own scope."""
    key, secret = accounts.create_key(session, viewer, body.name, body.scopes)
    return KeyCreated(**KeyPublic.model_validate(key).model_dump(), secret=secret)


@router.delete(
    "/auth/keys/{key_id}", status_code=204, responses=problems(401, 403, 404), summary="Revoke an API key"
)
def revoke_key(viewer: SignedIn, session: WriteDb, key_id: UUID) -> None:
    accounts.revoke_key(session, viewer, key_id)


@router.get("/users", response_model=Listing[UserPublic], responses=problems(401, 403), summary="List users")
def list_users(_viewer: Administrator, session: ReadDb) -> Listing[UserPublic]:
    return Listing(items=[UserPublic.of(user) for user in accounts.list_users(session)])


@router.post(
    "/users",
    status_code=201,
    response_model=UserPublic,
    responses=problems(401, 403, 409, 422),
    summary="Add a user",
)
def create_user(_viewer: Administrator, session: WriteDb, body: UserCreate) -> UserPublic:
    return UserPublic.of(accounts.create_user(session, body.username, body.password, is_admin=body.is_admin))


@router.patch(
    "/users/{user_id}",
    response_model=UserPublic,
    responses=problems(401, 403, 404, 409, 422),
    summary="Change a user",
)
def update_user(_viewer: Administrator, session: WriteDb, user_id: UUID, body: UserUpdate) -> UserPublic:
    """Set a new password (signs the user out everywhere), make or unmake an administrator, disable or enable."""
    user = accounts.get_user_by_id(session, user_id)
    if body.password is not None:
        accounts.set_password(session, user, body.password)
    if body.is_admin is not None:
        accounts.set_admin(session, user, body.is_admin)
    if body.disabled is not None:
        accounts.set_disabled(session, user, body.disabled)
    return UserPublic.of(user)
