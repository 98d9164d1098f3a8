"""Who may import whom, and what the web process never loads."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]

# (folder or file, prefixes it must not import)
RULES = [
    ("ml", ("app", "fastapi", "starlette", "sqlalchemy", "jinja2")),
    ("app/services", ("fastapi", "starlette", "app.api", "app.web", "app.deps", "app.main", "app.cli")),
    ("app/search", ("fastapi", "starlette", "app.api", "app.web", "app.deps", "app.main", "app.cli")),
    ("app/imaging", ("fastapi", "starlette", "app.api", "app.web", "app.services", "app.models")),
    ("app/api", ("app.web", "app.cli", "app.worker", "torch")),
    ("app/web", ("app.cli", "app.worker", "torch")),
    ("app/models", ("fastapi", "app.services", "app.api")),
    ("app/storage.py", ("fastapi", "sqlalchemy", "app.services", "app.models")),
]


def imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize(("place", "forbidden"), RULES, ids=[place for place, _ in RULES])
def test_imports_run_downwards_only(place: str, forbidden: tuple[str, ...]) -> None:
    target = REPOSITORY / place
    files = [target] if target.is_file() else sorted(target.rglob("*.py"))
    assert files
    wrong = [
        f"{file.relative_to(REPOSITORY)} imports {name}"
        for file in files
        for name in imports_of(file)
        if any(name == prefix or name.startswith(prefix + ".") for prefix in forbidden)
    ]
    assert wrong == []


def test_only_the_edges_commit() -> None:
    services = [*(REPOSITORY / "app/services").rglob("*.py"), *(REPOSITORY / "app/search").rglob("*.py")]
    wrong = [path.name for path in services if ".commit(" in path.read_text()]
    assert wrong == []


@pytest.mark.parametrize("module", ["app.main", "app.cli", "app.worker", "ml"])
def test_importing_loads_no_network_runtime(module: str) -> None:
    code = f"import {module}, sys; print([m for m in ('torch', 'torchvision', 'onnxruntime') if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=REPOSITORY, check=True
    )
    assert done.stdout.strip() == "[]"
