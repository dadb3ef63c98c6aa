"""The page's scripts, by Node's and TypeScript's own means; nobody needs those to use the page."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mtinst.page.player import FOLDER

TESTS = Path(__file__).parent
TSC = TESTS / "node_modules/typescript/bin/tsc"
IMPORT = re.compile(r'^import .* from "(.*)";$', re.MULTILINE)


def node(*arguments: str | Path) -> None:
    """Run Node, and show what it says when it is not content."""
    program = shutil.which("node")
    if program is None:
        pytest.skip("there is no Node on this machine")
    done = subprocess.run(
        [program, *arguments], cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout


def test_what_needs_no_browser_works_without_one() -> None:
    node("--test", *sorted(TESTS.glob("*.test.js")))


def test_types_fit() -> None:
    if not TSC.is_file():
        pytest.skip("there is no TypeScript: `npm install --prefix tests/browser` fetches it where npm has a registry")
    node(TSC, "--project", TESTS)


def test_scripts_import_only_each_other() -> None:
    scripts = [*FOLDER.glob("*.js")]
    for script in scripts:
        for imported in IMPORT.findall(script.read_text("utf-8")):
            assert (script.parent / imported).resolve() in scripts, f"{script.name} imports {imported}"
