"""The image endpoints Huawei Cloud retired in July 2025, for the clients that were left behind.

Paths, bodies, defaults, answers and error codes are those of the service's public reference (Image Tagging,
Dark Enhance, Defog, Super-Resolution); what happens behind them is Albumen's own analysis and enhancement, and
nothing is stored. ``X-Auth-Token`` carries an Albumen API key with the scope ``images``. One thing is refused on
purpose: a ``url`` for the server to fetch, which would let a client reach what only the server can reach.
"""

from __future__ import annotations

import base64
import json
from typing import Annotated, Any, Literal, TypeVar

from fastapi import APIRouter, Depends, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException
from starlette.responses import JSONResponse, Response

from app.compat.dialect import DialectRoute, refusals, viewer_with_key
from app.context import Context
from app.deps import ContextDep
from app.errors import (
    AppError,
    BrokenImage,
    Invalid,
    NotAllowed,
    NotSignedIn,
    StorageFull,
    TooLarge,
    UnsupportedImage,
)
from app.imaging.darkroom import RecipeFailed
from app.imaging.formats import MEDIA_TYPES
from app.services import edits, intake
from app.services.accounts import Viewer

_CODES: dict[type[AppError], tuple[int, str]] = {
    NotSignedIn: (401, "APIGW.0301"),
    NotAllowed: (403, "AIS.0004"),
    TooLarge: (400, "AIS.0103"),
    UnsupportedImage: (400, "AIS.0102"),
    BrokenImage: (400, "AIS.0102"),
    RecipeFailed: (400, "AIS.0105"),
    StorageFull: (500, "AIS.0003"),
}
_SCENES = {
    "nature",
    "building",
    "structure",
    "city",
    "shop",
    "restaurant",
    "room",
    "garden",
    "playground",
    "indoor",
}
_SCENES |= {"outdoor"}
_CONCEPTS = {"event", "religion", "sport", "photo-kind"}


class _Refused(Invalid):
    """A request the reference has an error code for; ``error_code`` carries it."""

    def __init__(self, error_code: str, detail: str) -> None:
        super().__init__(detail)
        self.error_code = error_code


class _HuaweiRoute(DialectRoute):
    def told(self, error: AppError) -> JSONResponse:
        status, code = _CODES.get(type(error), (400, "AIS.0101"))
        if isinstance(error, _Refused):
            code = error.error_code
        return JSONResponse({"error_code": code, "error_msg": error.detail}, status)


router = APIRouter(
    route_class=_HuaweiRoute, tags=["Huawei Cloud drop-in"], responses=refusals(400, 401, 403, 500)
)


def _viewer(request: Request) -> Viewer:
    return viewer_with_key(request, request.headers.get("x-auth-token", ""), "images")


_Caller = Annotated[Viewer, Depends(_viewer)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="ignore")
    image: str = ""
    url: str = ""


B = TypeVar("B", bound=_Body)


class _Tagging(_Body):
    language: Literal["zh", "en"] = "zh"
    limit: int = Field(30, ge=-1, le=1000)
    threshold: float = Field(0, ge=0, le=100)


class _TaggingV2(_Body):
    language: Literal["zh", "en"] = "zh"
    limit: int = Field(150, ge=1, le=150)
    threshold: float = Field(60, ge=0, le=100)


class _DarkEnhance(_Body):
    brightness: float = Field(0.9, ge=0, le=1)


class _Defog(_Body):
    gamma: float = Field(1.5, ge=0.1, le=10)
    natural_look: bool = True


class _SuperResolution(_Body):
    scale: int = Field(3, ge=3, le=4)
    model: Literal["ESPCN", "SRCNN"] = "ESPCN"


def _described(model: type[_Body]) -> dict[str, Any]:
    schema = {"application/json": {"schema": model.model_json_schema()}}
    return {"requestBody": {"required": True, "content": schema}}


# --- tagging --------------------------------------------------------------------------------------------------


@router.post("/v1.0/image/tagging", summary="Image tagging (v1)", openapi_extra=_described(_Tagging))
async def tagging(request: Request, _viewer: _Caller, context: ContextDep) -> JSONResponse:
    """Tags with a confidence of 0 to 100 in Chinese or English; Chinese unless asked otherwise."""
    asked, data, _ = await _received(request, _Tagging)
    tags = await run_in_threadpool(_tags, context, data, asked.language)
    kept = _kept(tags, asked.threshold, asked.limit)
    fields = ("confidence", "tag", "type", "i18n_tag")
    return JSONResponse({"result": {"tags": [{name: tag[name] for name in fields} for tag in kept]}})


@router.post(
    "/v2/{project_id}/image/tagging", summary="Image tagging (v2)", openapi_extra=_described(_TaggingV2)
)
async def tagging_v2(
    request: Request, project_id: str, _viewer: _Caller, context: ContextDep
) -> JSONResponse:
    """As v1, with boxes in pixels, the kind's names, and confidences written as text. Any project id will do."""
    asked, data, _ = await _received(request, _TaggingV2)
    tags = await run_in_threadpool(_tags, context, data, asked.language)
    kept = _kept(tags, asked.threshold, asked.limit)
    return JSONResponse({"result": {"tags": [{**tag, "confidence": str(tag["confidence"])} for tag in kept]}})


def _kept(tags: list[dict[str, Any]], threshold: float, limit: int) -> list[dict[str, Any]]:
    sure = [tag for tag in tags if tag["confidence"] >= threshold]
    return sure if limit == -1 else sure[:limit]


def _tags(context: Context, data: bytes, language: str) -> list[dict[str, Any]]:
    """What is seen, most certain first, in the reference's words."""
    from ml.vocabulary import load_vocabulary

    vocabulary = load_vocabulary()
    with context.storage.scratch() as folder:
        path = folder / "picture"
        path.write_bytes(data)
        size = context.sandbox.inspect(path)
        seen = context.lookout.ask("look_at", path=str(path), language=language)
    boxes: dict[str, list[dict[str, Any]]] = {}
    for found in seen["objects"]:
        box = found["box"]
        boxes.setdefault(vocabulary.coco.get(found["name"], ""), []).append(
            {
                "bounding_box": {
                    "top_left_x": round(box["x"] * size.width, 1),
                    "top_left_y": round(box["y"] * size.height, 1),
                    "width": round(box["width"] * size.width, 1),
                    "height": round(box["height"] * size.height, 1),
                },
                "confidence": str(round(100 * found["confidence"], 2)),
            }
        )
    tags: dict[str, dict[str, Any]] = {}
    for tag in seen["tags"]:  # sorted by confidence; a tag two sources agree on comes once
        concept = vocabulary.concepts[tag["slug"]]
        kind, kind_zh = _kind(vocabulary.concepts, tag["slug"])
        tags.setdefault(
            tag["slug"],
            {
                "confidence": round(100 * tag["confidence"], 2),
                "type": kind,
                "tag": tag["name"],
                "i18n_tag": {"zh": concept.name_zh, "en": concept.name_en},
                "i18n_type": {"zh": kind_zh, "en": kind},
                "instances": boxes.get(tag["slug"], []),
            },
        )
    return list(tags.values())


def _kind(concepts: Any, slug: str) -> tuple[str, str]:
    """The reference's three kinds, in English and Chinese, by the top of the concept's tree."""
    while concepts[slug].parent is not None:
        slug = concepts[slug].parent
    if slug in _SCENES:
        return "scene", "场景"
    return ("concept", "概念") if slug in _CONCEPTS else ("object", "物体")


# --- enhancement ----------------------------------------------------------------------------------------------


@router.post(
    "/v1.0/vision/dark-enhance", summary="Brighten a dark picture", openapi_extra=_described(_DarkEnhance)
)
async def dark_enhance(request: Request, _viewer: _Caller, context: ContextDep) -> Response:
    """`brightness` is how far the darkness is lifted; the same as the operation `low_light`."""
    asked, data, as_file = await _received(request, _DarkEnhance)
    return await _enhanced(context, data, as_file, [{"op": "low_light", "strength": asked.brightness}])


@router.post("/v1.0/vision/defog", summary="Take haze away", openapi_extra=_described(_Defog))
async def defog(request: Request, _viewer: _Caller, context: ContextDep) -> Response:
    """The operation `dehaze`: in full where `natural_look` is false; `gamma` against its default brightens."""
    asked, data, as_file = await _received(request, _Defog)
    recipe: list[dict[str, Any]] = [{"op": "dehaze", "strength": 0.8 if asked.natural_look else 1.0}]
    # The reference brightens by 1.5 after a method that darkens; ours does not darken, so 1.5 changes nothing.
    gamma = min(max(asked.gamma / 1.5, 0.1), 10.0)
    if abs(gamma - 1) > 1e-6:
        recipe.append({"op": "gamma", "gamma": gamma})
    return await _enhanced(context, data, as_file, recipe)


@router.post(
    "/v1.0/vision/super-resolution", summary="Enlarge a picture", openapi_extra=_described(_SuperResolution)
)
async def super_resolution(request: Request, _viewer: _Caller, context: ContextDep) -> Response:
    """`scale` times wider and higher. `model` is accepted; both names mean the operation's faithful network."""
    asked, data, as_file = await _received(request, _SuperResolution)
    recipe = [{"op": "super_resolution", "scale": asked.scale, "model": "faithful"}]
    return await _enhanced(context, data, as_file, recipe)


async def _enhanced(context: Context, data: bytes, as_file: bool, recipe: list[dict[str, Any]]) -> Response:
    made, kind = await run_in_threadpool(_process, context, data, recipe)
    if as_file:
        return Response(made, media_type=MEDIA_TYPES[kind])
    return JSONResponse({"result": base64.b64encode(made).decode()})


def _process(context: Context, data: bytes, recipe: list[dict[str, Any]]) -> tuple[bytes, str]:
    with context.storage.scratch() as folder:
        source, target = folder / "picture", folder / "result"
        source.write_bytes(data)
        done = edits.process_once(context, source, recipe, target)
        return target.read_bytes(), done.format


# --- requests -------------------------------------------------------------------------------------------------


async def _received(request: Request, model: type[B]) -> tuple[B, bytes, bool]:
    """The checked parameters, the picture's bytes, and whether they came as a file (then a file goes back)."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        return await _received_form(request, model)
    body = await request.body()
    try:
        values = json.loads(body)
    except ValueError:
        raise _Refused("AIS.0014", "The JSON format of the input data is incorrect.") from None
    if not isinstance(values, dict):
        raise _Refused("AIS.0014", "The body is a JSON object.")
    asked = _checked(model, values)
    if asked.url:
        raise _Refused("AIS.0012", "This server fetches no pictures from addresses; send image as base64.")
    try:
        data = intake.decode_base64(asked.image)
    except Invalid:
        raise _Refused("AIS.0015", "Base64 decoding of the input data is incorrect.") from None
    if not data:
        raise _Refused("AIS.0011", "Lack the request parameter image, or it is empty.")
    return asked, data, False


async def _received_form(request: Request, model: type[B]) -> tuple[B, bytes, bool]:
    try:
        form = await request.form(max_files=1, max_fields=20)
    except (MultiPartException, ValueError, KeyError) as error:
        raise _Refused("AIS.0101", f"The form cannot be read: {error}") from None
    try:
        file = form.get("file")
        if not isinstance(file, UploadFile):
            raise _Refused("AIS.0011", "Lack the request parameter file, or it is empty.")
        asked = _checked(model, {name: value for name, value in form.items() if isinstance(value, str)})
        return asked, await file.read(), True
    finally:
        await form.close()


def _checked(model: type[B], values: dict[str, Any]) -> B:
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise _Refused("AIS.0101", f"The input parameter {where} is invalid: {first['msg']}.") from None
