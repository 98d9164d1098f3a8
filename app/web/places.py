"""The page of places: a map whose clusters part when one comes nearer, and countries with their towns."""

from __future__ import annotations

import math

from fastapi import APIRouter, Request
from starlette.responses import Response

from app import deps
from app.errors import Invalid
from app.search.countries import chinese_name
from app.services.collections import places
from app.services.collections.places import Box, Cluster, PlaceSummary
from app.web.contexts import PlacesPage
from app.web.i18n import Translator
from app.web.parts import CountryView, MapPin, TermCard
from app.web.present import API, address, search_address
from app.web.rendering import respond
from app.web.shell import PageViewer, shell_of, translator_of

router = APIRouter()
_LEAST_WIDTH = 20.0  # degrees: what lies around is still recognised
_NEAREST = 0.02  # degrees across, below which going nearer shows nothing new
_ASPECT = 2.5
_PIXELS = 1000  # about as wide as the map is on a screen
_ACROSS = 14  # clusters that fit side by side
_WEST, _WIDTH, _NORTH, _HEIGHT = -180.0, 360.0, 85.0, 145.0  # without the ice in the south


@router.get("/places")
def places_page(request: Request, viewer: PageViewer, session: deps.ReadDb, box: str = "") -> Response:
    """``box`` is the part of the map to show, as west,south,east,north; else what holds every photo."""
    t = translator_of(request)
    found = places.list_places(session, viewer)
    try:
        shown = _around(Box.read(box), _NEAREST) if box else _whole(found)
    except Invalid:  # an address cut off or made up: the whole map
        box, shown = "", _whole(found)
    zoom = min(max(round(math.log2(90 * _ACROSS / shown.width)), 0), places.MAX_ZOOM)
    clusters = places.clusters(session, viewer, shown, zoom) if found else []
    view = (shown.west * 100, -shown.north * 100, shown.width * 100, (shown.north - shown.south) * 100)
    context = PlacesPage(
        shell_of(request, "places"),
        countries=_countries(found, t),
        pins=tuple(_pin(cluster, shown.width, t) for cluster in clusters),
        view=" ".join(f"{number:.2f}" for number in view),
        total=sum(place.count for place in found),
        scale=round(view[2] / _PIXELS, 3),
        out="/places" if box else "",
    )
    return respond(request, context)


def _whole(found: list[PlaceSummary]) -> Box:
    """The part of the world that holds every place with some land around it."""
    if not found:
        return Box(_WEST, _NORTH - _HEIGHT, _WEST + _WIDTH, _NORTH)
    longitudes, latitudes = [p.longitude for p in found], [p.latitude for p in found]
    box = (min(longitudes), min(latitudes), max(longitudes), max(latitudes))
    return _framed(box, _LEAST_WIDTH, margin=1.3)


def _around(box: Box, least: float) -> Box:
    east = box.east if box.east > box.west else 180.0
    return _framed((box.west, box.south, east, box.north), least, margin=1.4)


def _framed(box: tuple[float, float, float, float], least: float, *, margin: float) -> Box:
    """A frame of 5:2 around west, south, east, north that stays on the map."""
    west, south, east, north = box
    width = min(max(least, margin * (east - west), margin * _ASPECT * (north - south)), _WIDTH)
    height = min(width / _ASPECT, _HEIGHT)
    left = min(max((west + east - width) / 2, _WEST), _WEST + _WIDTH - width)
    bottom = min(max((south + north - height) / 2, _NORTH - _HEIGHT), _NORTH - height)
    return Box(left, bottom, left + width, bottom + height)


def _pin(cluster: Cluster, width: float, t: Translator) -> MapPin:
    """More photos make a larger dot, but four digits do not cover a continent. A tight cluster leads to its photos."""
    west, south, east, north = cluster.box
    tight = max(east - west, north - south) < _NEAREST
    size = width / 2 * (1 + min(len(str(cluster.count)), 4) / 3)
    nearer = ",".join(f"{side:.5f}" for side in (west - 1e-3, south - 1e-3, east + 1e-3, north + 1e-3))
    return MapPin(
        round(cluster.longitude * 100, 3),
        round(-cluster.latitude * 100, 3),
        round(size, 3),
        t(
            "places.cluster",
            place=cluster.place or t("map.unnamed"),
            photos=t("count.photos", count=cluster.count),
        ),
        search_address(cluster.query) if tight else address("/places", box=nearer),
    )


def _countries(found: list[PlaceSummary], t: Translator) -> tuple[CountryView, ...]:
    return tuple(
        CountryView(
            _country_name(towns[0], t), search_address(f"country:{code}"), sum(place.count for place in towns),
            tuple(
                TermCard(
                    place.city, search_address(place.query), place.count, f"{API}/{place.cover_photo_id}/rendition/grid"
                )
                for place in towns if place.city
            ),
        )
        for code, towns in places.by_country(found)
    )  # fmt: skip


def _country_name(place: PlaceSummary, t: Translator) -> str:
    return (chinese_name(place.country_code) if t.language == "zh" else None) or place.country
