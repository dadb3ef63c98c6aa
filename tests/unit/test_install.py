"""The distribution: what it asks for, what it holds, and its two commands far from the checkout."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from zipfile import ZipFile

import pytest
from hatchling.build import build_wheel
from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

from mtinst import __version__
from mtinst.page.__main__ import main

PROJECT = Path(__file__).parents[2]
METADATA = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
# The extras that each lock holds besides the dependencies of all.
LOCKS = {
    "requirements.txt": {"page"},
    "requirements-dask.txt": {"page", "dask"},
    "requirements-dev.txt": {"page", "dask", "train", "export", "dev"},
}


def asked_for(extras: set[str]) -> dict[NormalizedName, Requirement]:
    """What pyproject.toml asks for, by name."""
    lines = sum((METADATA["optional-dependencies"][extra] for extra in extras), METADATA["dependencies"])
    return {canonicalize_name(one.name): one for one in map(Requirement, lines)}


def locked(name: str) -> dict[NormalizedName, str]:
    """The versions that a requirements file pins, and those that it includes."""
    versions: dict[NormalizedName, str] = {}
    for line in (PROJECT / name).read_text().splitlines():
        if line.startswith("-r "):
            versions |= locked(line.removeprefix("-r "))
        elif line and not line.startswith("#"):
            package, version = line.split("==")
            versions[canonicalize_name(package)] = version
    return versions


@pytest.mark.parametrize(("lock", "extras"), LOCKS.items())
def test_a_lock_holds_a_version_of_each_dependency_within_its_range(lock: str, extras: set[str]) -> None:
    wanted, versions = asked_for(extras), locked(lock)
    assert wanted.keys() == versions.keys()
    assert [name for name, version in versions.items() if version not in wanted[name].specifier] == []


def test_every_extra_is_locked() -> None:
    assert METADATA["optional-dependencies"].keys() == set.union(*LOCKS.values())


def test_the_version_stands_in_the_package_and_heads_the_changelog() -> None:
    assert "version" in METADATA["dynamic"]
    versions = re.findall(r"^## \[(\d.*?)\] - \d{4}-\d\d-\d\d$", (PROJECT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert versions[0] == __version__


def test_the_page_needs_gradio(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("mtinst.page.__main__.find_spec", lambda name: None)
    assert main([]) == 2
    assert capsys.readouterr().err == "The page needs Gradio: install mtinst[page] or requirements.txt\n"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the checkout, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(PROJECT)
        return folder / build_wheel(str(folder))


def test_the_wheel_holds_the_package_the_weights_and_the_examples_and_nothing_else(wheel: Path) -> None:
    package = [path for path in PROJECT.glob("mtinst/**/*.*") if "__pycache__" not in path.parts]
    examples = [path for path in PROJECT.glob("examples/*") if path.suffix in (".ogg", ".mid", ".npz")]
    data = [*examples, *(PROJECT / name for name in ("examples/SOURCES.md", "weights/default.safetensors"))]
    wanted = {path.relative_to(PROJECT).as_posix() for path in package}
    wanted |= {f"mtinst/_data/{path.relative_to(PROJECT).as_posix()}" for path in data}
    with ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert len(examples) >= 20
    assert held == wanted | {"mtinst/_data/weights/MODEL_CARD.md"}


@pytest.mark.slow
def test_both_commands_run_where_there_is_no_checkout(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "installed"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", "--target", str(installed)]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, str(wheel)], check=True)

    def run(*command: str | Path) -> str:
        environment = os.environ | {"PYTHONPATH": str(installed)}
        return subprocess.run(
            command, cwd=tmp_path, env=environment, check=True, stdout=subprocess.PIPE, text=True
        ).stdout

    for command in ("mtinst", "mtinst-page"):
        assert run(installed / "bin" / command, "--version") == f"mtinst {__version__}\n"
    program = "from mtinst import files; print(files.DEFAULT_WEIGHTS.is_file(), *files.EXAMPLES.glob('*.ogg'))"
    is_there, *examples = run(sys.executable, "-c", program).split()
    assert is_there == "True"
    assert sorted(Path(path).name for path in examples) == sorted(path.name for path in PROJECT.glob("examples/*.ogg"))
    assert all(path.startswith(str(installed)) for path in examples)
