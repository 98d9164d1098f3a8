"""Whatever is typed is answered: with photos, or with a bad query. Nothing else, on either database."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.db import Database
from app.errors import BadQuery
from app.models import TextLine
from app.search import count_photos, find_photos, suggest, timeline
from app.search.fields import FIELDS

VALUES = st.one_of(
    st.text(max_size=8),
    st.integers(0, 10**14).map(str),
    st.decimals(0, 10**8, places=3).map(str),
    st.dates(datetime(1, 1, 1).date(), datetime(9999, 12, 31).date()).map(str),
    st.sampled_from(
        ["*", "%", "_", "\\", "'", "''", "*a*", "last-9999y", "0,0,20038", "90,180,1", "2999", "1000-01-01"]
    ),
    *(st.sampled_from([c.name for c in f.choices]) for f in FIELDS if f.choices),
)
TERMS = st.builds(
    lambda field, sign, value, quoted: (
        f'{field.name}:{sign}"{value}"' if quoted else f"{field.name}:{sign}{value}"
    ),
    st.sampled_from(FIELDS),
    st.sampled_from(["", "", ">", "<=", "..", "="]),
    VALUES,
    st.booleans(),
)
QUERIES = st.lists(
    st.one_of(TERMS, st.text(max_size=12), st.sampled_from(["or", "-", "(", ")", "dog", "海边 狗"])),
    max_size=5,
)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def library(request: pytest.FixtureRequest, make_database: Callable[..., Database], library_of: Any) -> Any:
    library = library_of(make_database(request.param))
    library.tag("dog", zh="狗")
    library.photo(
        library.tagged("dog"),
        lambda p: TextLine(photo_id=p.id, content="100% _x_", confidence=1, x=0, y=0, width=1, height=1, model="m"),
        latitude=89.9, longitude=-180.0, iso=100, title="'; drop table photos; --", country_code="PT",
    )  # fmt: skip
    library.photo(taken=datetime(1, 1, 1))
    library.photo(taken=datetime(8999, 12, 31, 23, 59))
    return library


@given(parts=QUERIES)
@example(["year:>2998"])
@example(["date:<1000-01-01"])
@example(["taken:last-9999y added:last-9999y"])
@example(["iso:999999999999 size:>900gb mp:>9999 faces:>9999"])
@example(["near:90,180,20038"])
@example(["name:\\*%_'"])
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_answered(library: Any, parts: list[str]) -> None:
    query = " ".join(parts)
    with library.database.read() as session:
        suggest(session, library.viewer, query)
        try:
            found = find_photos(session, library.viewer, query).items
        except BadQuery as error:
            told = error.problem()
        else:
            assert count_photos(session, library.viewer, query) == len(found) <= 3
            assert sum(count for _, count in timeline(session, library.viewer, query)) == len(found)
            told = {"detail": "", "position": 0, "suggestions": []}
    assert 0 <= told["position"] <= len(query)
    assert all(isinstance(s, str) for s in told["suggestions"])
