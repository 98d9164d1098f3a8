"""One-shot analysis for web requests, in a child process: the web process itself never holds a network.

The child is started by the first request, answers one request at a time, and ends itself when nobody has asked for
a while (``model_idle_seconds``), giving its memory back.
"""

from __future__ import annotations

import json
import logging
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from app import errors
from app.settings import Settings

_ROOT = Path(__file__).resolve().parents[1]
_SECONDS = 120


class Lookout:
    """Asks the child; thread-safe, one question at a time."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._child: subprocess.Popen[str] | None = None

    def ask(self, question: str, **arguments: Any) -> Any:
        """The answer of ``app.services.understanding.lookup``'s function of that name, with JSON arguments and result.

        Raises:
            AppError: as the function did.
        """
        request = json.dumps({"question": question, **arguments}) + "\n"
        with self._lock:
            answer = self._exchange(request) or self._exchange(
                request
            )  # the child may just have gone to sleep
        if answer is None:
            raise errors.AppError("The picture could not be looked at; the reason has been logged.")
        if "error" in answer:
            raise _error(answer["error"], answer["detail"])
        return answer["result"]

    def close(self) -> None:
        with self._lock:
            self._end()

    def _exchange(self, request: str) -> dict[str, Any] | None:
        if self._child is None or self._child.poll() is not None:
            self._child = self._start()
        assert self._child.stdin is not None
        assert self._child.stdout is not None
        try:
            self._child.stdin.write(request)
            self._child.stdin.flush()
            ready, _, _ = select.select([self._child.stdout], [], [], _SECONDS)
            line = self._child.stdout.readline() if ready else ""
        except (BrokenPipeError, ValueError):
            line = ""
        if not line:
            self._end()
            return None
        return dict(json.loads(line))

    def _start(self) -> subprocess.Popen[str]:
        settings = self._settings
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1",
                       "ALBUMEN_DATA": str(settings.data), "ALBUMEN_MODELS": str(settings.models_dir)}  # fmt: skip
        return subprocess.Popen(
            [sys.executable, "-m", "app.lookout"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            text=True, cwd=_ROOT, env=environment,
        )  # fmt: skip

    def _end(self) -> None:
        if self._child is None:
            return
        self._child.kill()
        self._child.wait()
        for pipe in (self._child.stdin, self._child.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # an unsent question goes with the child
        self._child = None


def _error(code: str, detail: str) -> errors.AppError:
    kinds = {kind.code: kind for kind in errors.AppError.__subclasses__()}
    return kinds.get(code, errors.AppError)(detail)


def _answer_until_idle() -> None:
    """The child's loop: one JSON line in, one JSON line out; the end of standard input is the parent's end."""
    from app.context import Context
    from app.services.understanding import lookup
    from ml.zoo import FetchError

    answers, sys.stdout = sys.stdout, sys.stderr
    settings = Settings.from_env()
    context = Context.open(settings)
    questions: dict[str, Callable[..., Any]] = {
        "look_at": lookup.look_at,
        "explain": lookup.explain,
        "picture_vector": lookup.picture_vector,
        "provenance": lookup.provenance,
    }
    while select.select([sys.stdin], [], [], settings.model_idle_seconds)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        request = json.loads(line)
        function = questions[request.pop("question")]
        try:
            reply: dict[str, Any] = {"result": function(context, **request)}
        except errors.AppError as error:
            reply = {"error": error.code, "detail": error.detail}
        except FetchError as error:
            logging.getLogger(__name__).warning("a question needs a model that is not there: %s", error)
            missing = errors.ModelMissing(
                "A model this needs is not on the server. Ask its administrator to fetch it."
            )
            reply = {"error": missing.code, "detail": missing.detail}
        answers.write(json.dumps(reply, default=str) + "\n")
        answers.flush()
    context.close()


if __name__ == "__main__":
    _answer_until_idle()
