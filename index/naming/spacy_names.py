"""Finds names with the spaCy models that are installed, one a language; needs the extra `names`.

spaCy is imported where names are read, and nowhere else: that takes 1.4 s, and torch besides.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

from backfile.archive.formats.languages import ONE_CODE
from backfile.archive.model.errors import EngineUnavailable
from backfile.archive.model.message import Message
from backfile.archive.workers import once
from backfile.index.model.mentions import Mention, NameKind

# https://spacy.io/models#conventions: language, type, genre, size. Only these types find names.
PACKAGE = re.compile(r"(?P<language>[a-z]{2})_(core|ent)_[a-z]+_(?P<size>[a-z]+)")
SIZES = ("sm", "md", "lg", "trf")
KINDS = {
    "PERSON": NameKind.PERSON,
    "PER": NameKind.PERSON,
    "ORG": NameKind.ORGANISATION,
    "GPE": NameKind.PLACE,
    "LOC": NameKind.PLACE,
    "FAC": NameKind.PLACE,
}
# What no search for names needs. The models that are made for processors have a tok2vec of their
# own within `ner`, and another one for these: without it 0.19 s an article become 0.12.
UNNEEDED = (
    "tagger", "parser", "senter", "morphologizer", "attribute_ruler", "lemmatizer",
    "trainable_lemmatizer",
)  # fmt: skip
PIECES_AT_ONCE = 64  # paragraphs of at most a passage; whole articles take a GB


class SpacyNames:
    """Reads names in each language that has a model."""

    def models(self) -> Mapping[str, str]:
        """The model of each language by its code, with its version: `en_core_web_sm 3.8.0`."""
        return {code: f"{name} {version}" for code, (name, version) in _installed().items()}

    def mentions(self, language: str, articles: Sequence[Sequence[str]]) -> list[list[Mention]]:
        """The mentions in articles of a language, each a list of texts, in order.

        Raises EngineUnavailable if there is no model, or it cannot be used.
        """
        if language not in _installed():
            raise EngineUnavailable(Message("the names"), f"no model of spaCy reads {language!r}")
        nlp = once(_load, _installed()[language][0])
        found: list[list[Mention]] = [[] for _ in articles]
        with nlp.memory_zone():  # else each new word stays in memory
            for doc, place in nlp.pipe(
                _pieces(articles), as_tuples=True, batch_size=PIECES_AT_ONCE
            ):
                found[place] += [
                    Mention(KINDS[each.label_], each.text)
                    for each in doc.ents
                    if each.label_ in KINDS
                ]
        return found


def _pieces(articles: Sequence[Sequence[str]]) -> Iterator[tuple[str, int]]:
    """All paragraphs, so that no name goes beyond one, each with the place of its article.

    A typographic apostrophe would cut a name such as O’Dowd in two.
    """
    for place, texts in enumerate(articles):
        for text in texts:
            pieces = text.replace("’", "'").split("\n\n")
            yield from ((piece, place) for piece in pieces if piece.strip())


@cache
def _installed() -> Mapping[str, tuple[str, str]]:
    """The package and the version of each language's model, found without importing any."""
    if find_spec("spacy") is None:
        return {}
    found = entry_points(group="spacy_models")
    return largest((each.name, each.dist.version) for each in found if each.dist)


def largest(packages: Iterable[tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """The largest model of each language that finds names, from packages and their versions.

    >>> largest([("en_core_web_sm", "3.8.0"), ("en_core_web_lg", "3.8.0"), ("de_dep_hdt", "1")])
    {'en': ('en_core_web_lg', '3.8.0')}
    """
    found: dict[str, tuple[int, str, str]] = {}
    for package, version in packages:
        if named := PACKAGE.match(package):
            code = ONE_CODE.get(named["language"], named["language"])
            size = SIZES.index(named["size"]) if named["size"] in SIZES else -1
            found[code] = max(found.get(code, (-1, "", "")), (size, package, version))
    return {code: (package, version) for code, (_, package, version) in sorted(found.items())}


def _load(package: str) -> Any:
    """Load a model with what finds names (1 s); raise EngineUnavailable if that fails."""
    import spacy

    try:
        nlp = spacy.load(package, exclude=UNNEEDED)
    except (OSError, ValueError, ImportError) as exc:
        reason = Message(
            "the model %(name)s cannot be loaded (%(error)s); install one that fits spaCy "
            "%(version)s, remove it, or set BACKFILE_NAMES=no",
            name=package,
            error=" ".join(str(exc).split()),
            version=spacy.__version__,
        )
        raise EngineUnavailable(Message("the names"), reason) from exc
    if "tok2vec" in nlp.pipe_names and not nlp.get_pipe("tok2vec").listening_components:
        nlp.remove_pipe("tok2vec")
    return nlp
