"""Gradio without its stubs.

Whenever Gradio is imported, it parses its own source and writes a type stub for each of its components, which takes a
third of all that a start of the page takes, and is of no use to a program.
"""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from types import ModuleType

WRITER = ("gradio.component_meta", "create_or_modify_pyi")


class _Finder(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Only of the module with the function that writes stubs."""
        spec = PathFinder.find_spec(fullname, path) if fullname == WRITER[0] else None
        if spec is not None and spec.origin is not None:
            spec.loader = _Loader(fullname, spec.origin)
        return spec


class _Loader(SourceFileLoader):
    def exec_module(self, module: ModuleType) -> None:
        """As written, but for that function."""
        super().exec_module(module)
        setattr(module, WRITER[1], lambda *_: None)


def write_no_stubs() -> None:
    """Has an effect before Gradio is imported."""
    sys.meta_path.insert(0, _Finder())
