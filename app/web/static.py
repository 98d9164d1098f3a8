"""The files under ``static/``: how long a browser may keep them without asking."""

from __future__ import annotations

import os
import re

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

# What the bundler names by its content: parts of the script, and fonts.
_NAMED_BY_CONTENT = re.compile(r"/dist/.+-[0-9A-Z]{8}\.(js|woff2)$")
_FOREVER = "public, max-age=31536000, immutable"


class Static(StaticFiles):
    """Serves files; an address that names the content (`static_url`, or the bundler) is never asked for again."""

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        response = super().file_response(full_path, stat_result, scope, status_code)
        named = scope["query_string"].startswith(b"v=") or _NAMED_BY_CONTENT.search(scope["path"])
        response.headers["Cache-Control"] = _FOREVER if named else "no-cache"
        return response
