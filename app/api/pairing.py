"""Pairing a device: a code made in a signed-in session, exchanged for a key by the device."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from pydantic import Field

from app.api.schemas import KeyCreate, KeyCreated, KeyPublic, Schema, problems
from app.deps import ContextDep, SignedIn, WriteDb, check_same_origin
from app.services.clients import pairing
from app.services.clients.pairing import Offer

router = APIRouter(tags=["accounts"], prefix="/auth")


class PairingOffered(Schema):
    code: str = Field(examples=["7KQ4-9PXT-2MHV-CW3R"])
    expires_at: datetime
    uri: str = Field(description="What the QR code says.", examples=["albumen://pair?server=…&code=…"])


class PairingCode(Schema):
    code: str = Field(min_length=1, max_length=40, examples=["7KQ4-9PXT-2MHV-CW3R"])


class Paired(KeyCreated):
    username: str


def pairing_uri(request: Request, offer: Offer) -> str:
    """What a device needs to know: where the server is, as this browser reaches it, and the code."""
    server = str(request.base_url).rstrip("/")
    return f"albumen://pair?server={quote(server, safe='')}&code={offer.code}"


@router.post(
    "/pairings",
    status_code=201,
    response_model=PairingOffered,
    responses=problems(401, 403, 422),
    summary="Let a device have a key",
)
def offer_key(request: Request, viewer: SignedIn, session: WriteDb, body: KeyCreate) -> PairingOffered:
    """The code is good for ten minutes and one device. A key cannot make codes, as it cannot make keys."""
    made = pairing.offer(session, viewer, body.name, body.scopes)
    return PairingOffered(code=made.code, expires_at=made.expires_at, uri=pairing_uri(request, made))


@router.post(
    "/pair",
    status_code=201,
    response_model=Paired,
    responses=problems(403, 404, 422),
    summary="Exchange a code for a key",
)
def pair(request: Request, context: ContextDep, body: PairingCode) -> Paired:
    """For the device, which needs no sign-in. `secret` is its key for `Authorization: Bearer`, shown only here."""
    check_same_origin(request)
    with context.database.read() as reading:
        pairing.require_open(reading, body.code)
    with context.database.write() as session:
        key, secret, user = pairing.redeem(session, body.code)
        return Paired(**KeyPublic.model_validate(key).model_dump(), secret=secret, username=user.username)
