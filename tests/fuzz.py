"""Fuzzing the whole API by its own description (Schemathesis), as somebody who is there and as somebody who is not.

For every operation of the OpenAPI document requests are generated, valid and invalid, with the owner's real ids where
the path asks for one. No answer may be a server error, have a status, type or shape the document does not promise, or,
when it goes to the other user, hold anything of the owner's.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import hypothesis
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis import GenerationMode
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import Failure, FailureGroup
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
ENDLESS = {"GET /api/v1/events"}
LEAVING = {"POST /api/v1/auth/logout"}  # ends the session the rest needs


@dataclass
class Fuzzer:
    """Asks a running server; ``ids`` are the owner's things by the name of their path parameter."""

    url: str
    document: dict[str, Any]
    headers: dict[str, str]
    ids: dict[str, str]
    forbidden: tuple[str, ...] = ()
    examples: int = 6
    requests: int = 0
    failures: dict[str, str] = field(default_factory=dict)  # one of each kind

    def run(self, progress: Callable[[str], None] = lambda _label: None) -> None:
        for operation in self._operations():
            progress(operation.label)
            self._fuzz(operation)

    def _operations(self) -> Iterator[Any]:
        config = SchemathesisConfig()
        schema = schemathesis.openapi.from_dict(self.document, config=config)
        for found in schema.get_all_operations():
            operation = found.ok()
            if operation.label not in ENDLESS | LEAVING:
                yield operation

    def _fuzz(self, operation: Any) -> None:
        settings = hypothesis.settings(
            max_examples=self.examples,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            strategy = operation.as_strategy(generation_mode=mode)

            @settings
            @hypothesis.given(case=strategy)
            def ask(case: Any) -> None:
                self._ask(operation, case)

            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    ask()
            except hypothesis.errors.Unsatisfiable:
                continue  # nothing invalid can be said to an operation without parameters

    def _ask(self, operation: Any, case: Any) -> None:
        for name in case.path_parameters or {}:
            if name in self.ids:
                case.path_parameters[name] = self.ids[name]
        self.requests += 1
        try:
            answer = case.call(base_url=self.url, headers=self.headers, timeout=60)
            if answer.status_code >= 500 and answer.status_code != 503:  # 503 is checked to be described
                self._note(operation.label, case, f"Server error {answer.status_code}", answer.text)
            case.validate_response(answer, checks=CHECKS)
        except FailureGroup as group:
            for failure in group.exceptions:
                self._note(operation.label, case, failure.title, failure.message)
            return
        except Failure as failure:
            self._note(operation.label, case, failure.title, failure.message)
            return
        leaked = [secret for secret in self.forbidden if secret.encode() in answer.content]
        sent = f"{case.path_parameters} {case.query} {case.body}"
        if any(secret not in sent for secret in leaked):
            self._note(operation.label, case, "Told of what is another user's", str(leaked))

    def _note(self, label: str, case: Any, title: str, message: str) -> None:
        told = f"{label}: {title}: {message[:600]}\n    {case.as_curl_command()[:600]}"
        self.failures.setdefault(f"{label} {title}", told)
