"""Says which languages a model was made for, as far as its folder or its name shows it."""

from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any

from index.embedding.model import local_model, read_json

MULTILINGUAL = "multilingual"
EXAMPLE = "paraphrase-multilingual-MiniLM-L12-v2"
MANY_TOKENS = 100_000  # English models have 30,000 to 50,000, those of many languages 119,000 on
LONGEST_CARD = 1 << 16  # characters
GOOD_SHARE = 0.05  # of the articles whose language is known


def languages_of(name: str) -> tuple[str, ...]:
    """List the codes of a model's languages, or MULTILINGUAL alone; nothing where unknown.

    What its card says counts before its name, and both before the size of its vocabulary.
    """
    folder = local_model(name)
    said = _card(folder / "README.md").get("language") if folder else None
    codes = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    named = tuple(code.casefold() for code in codes if isinstance(code, str))
    many = folder is not None and _vocabulary(folder) >= MANY_TOKENS
    if MULTILINGUAL in named or (not named and (MULTILINGUAL in name.casefold() or many)):
        return (MULTILINGUAL,)
    return named


def misfit(articles: Mapping[str, int], spoken: tuple[str, ...]) -> str:
    """Say that a good share of articles is in other languages than the model's; else nothing.

    >>> misfit({"en": 90, "de": 9, "fr": 1}, ("en",))[:43]
    '10% of the articles are in languages the mo'
    >>> misfit({"en": 99, "de": 1}, ("en",)) or misfit({"de": 1}, ("multilingual",))
    ''
    """
    if not spoken or MULTILINGUAL in spoken:
        return ""
    known = {code: count for code, count in articles.items() if code}
    others = {code: count for code, count in known.items() if code not in spoken}
    share = sum(others.values()) / max(1, sum(known.values()))
    if share < GOOD_SHARE:
        return ""
    listed = ", ".join(sorted(others, key=lambda code: -others[code])[:6])
    return (
        f"{share:.0%} of the articles are in languages the model was not made for ({listed}): "
        "meaning finds them badly, words do find them; index into a new archive with "
        f"BACKFILE_MODEL={EXAMPLE}, or another multilingual model"
    )


def _card(path: Path) -> Mapping[str, Any]:
    """The metadata that opens a model's card, between two lines of hyphens."""
    import yaml

    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            first, *lines = stream.read(LONGEST_CARD).splitlines() or [""]
        head = "\n".join(takewhile(lambda line: line != "---", lines)) if first == "---" else ""
        found = yaml.safe_load(head)
    except (OSError, yaml.YAMLError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _vocabulary(folder: Path) -> int:
    size = read_json(folder / "config.json").get("vocab_size")
    return size if isinstance(size, int) else 0
