"""The examples in docstrings are true, under the names that modules are imported by."""

import doctest
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = [
    "backfile." + ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for layer in ("archive", "index", "web", "scripts")
    for path in sorted((ROOT / layer).rglob("*.py"))
    if ">>> " in path.read_text()
]


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_true(name):
    results = doctest.testmod(import_module(name))
    assert results.attempted
    assert not results.failed
