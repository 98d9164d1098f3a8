"""Searching by an example: the photos that look like a picture which is not in the library and is not kept."""

from __future__ import annotations

import numpy as np

from app.context import Context
from app.errors import Invalid
from app.models import Photo
from app.search import similar_to_vector
from app.services.accounts import Viewer


def photos_like(context: Context, viewer: Viewer, data: bytes, limit: int) -> list[tuple[Photo, float]]:
    """The viewer's photos most like the picture in ``data``, with their cosine; trash and archive excluded.

    Takes seconds: another process decodes the picture and runs the network. No transaction is open meanwhile.

    Raises:
        Invalid: there is no picture.
        UnsupportedImage, BrokenImage, TooLarge: it is not a picture Albumen can read.
    """
    if not data:
        raise Invalid("Choose the picture to search with.", field="file")
    with context.storage.scratch() as folder:
        path = folder / "picture"
        path.write_bytes(data)
        seen = context.lookout.ask("picture_vector", path=str(path))
    with context.database.read() as session:
        vector = np.array(seen["vector"], np.float32)
        return similar_to_vector(session, viewer, seen["model"], vector, limit)
