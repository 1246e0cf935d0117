"""Each measurement can be started from a checkout and says what it does."""

import runpy
import sys

import pytest

from tests.builders import ROOT

SCRIPTS = [
    path.stem
    for path in sorted((ROOT / "scripts" / "bench").glob("*.py"))
    if 'if __name__ == "__main__":' in path.read_text()
]


def test_there_are_scripts():
    assert {"ablations", "answer_quality", "benchmark", "hops", "screenshots"} <= set(SCRIPTS)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_answers_help(name, monkeypatch, capsys):
    module = f"backfile.scripts.bench.{name}"
    monkeypatch.delitem(sys.modules, module, raising=False)
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(module, run_name="__main__")
    assert ended.value.code == 0
    assert f"Usage: {name} " in capsys.readouterr().out
