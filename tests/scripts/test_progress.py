"""Progress bars: on a terminal with rate and time to go, and nowhere else."""

import pytest

from backfile.index.indexing.stages import Stage
from backfile.scripts.printing.progress import Bars


def run(bars):
    with bars:
        for done in (0, 512, 1024):
            bars(Stage.READING, done, 1024)
        bars(Stage.READING, 1024, 1024)
        bars(Stage.WORDS, 3, 3)
        bars(Stage.WORDS, 9, 9)
        bars(Stage.MEANING, 0, 0)


def test_bars_are_drawn_on_a_terminal(monkeypatch, capsys):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setenv("COLUMNS", "100")
    run(Bars(quiet=False))
    out, err = capsys.readouterr()
    assert out == ""
    assert "reading" in err
    assert "1.02k/1.02k" in err
    assert "9/9" in err
    assert "meaning" not in err


@pytest.mark.parametrize(("terminal", "quiet"), [(False, False), (True, True)])
def test_bars_are_silent_where_nobody_looks(monkeypatch, capsys, terminal, quiet):
    monkeypatch.setattr("sys.stderr.isatty", lambda: terminal)
    run(Bars(quiet=quiet))
    assert capsys.readouterr() == ("", "")
