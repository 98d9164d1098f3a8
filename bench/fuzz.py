"""The fuzz test with more examples: ``python -m bench.fuzz [--examples 100]``; a hundred take about an hour."""

from __future__ import annotations

import argparse
import os
import sys

import pytest

from tests.server import REPOSITORY


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100, help="of each kind for each operation and user")
    os.environ["ALBUMEN_FUZZ_EXAMPLES"] = str(parser.parse_args().examples)
    sys.exit(pytest.main(["-q", "--timeout=0", str(REPOSITORY / "tests/api/test_openapi.py")]))


if __name__ == "__main__":
    main()
