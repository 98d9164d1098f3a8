"""Search: the query language, and the one way to find photos."""

from app.search.compile import visible
from app.search.find import (
    Hit,
    Page,
    Tally,
    Tile,
    count_photos,
    find_ids,
    find_photos,
    finds,
    month_of_photos,
    tally,
    timeline,
)
from app.search.language import Query, parse
from app.search.meaning import warm_up
from app.search.ranking import Reason
from app.search.similar import similar_photos, similar_to_vector
from app.search.suggest import Suggestion, suggest
from app.search.terms import index_terms, terms

__all__ = [
    "Hit",
    "Page",
    "Query",
    "Reason",
    "Suggestion",
    "Tally",
    "Tile",
    "count_photos",
    "find_ids",
    "find_photos",
    "finds",
    "index_terms",
    "month_of_photos",
    "parse",
    "similar_photos",
    "similar_to_vector",
    "suggest",
    "tally",
    "terms",
    "timeline",
    "visible",
    "warm_up",
]
