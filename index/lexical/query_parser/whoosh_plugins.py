"""The syntax that Whoosh's parser lacks: prefixes, fuzzy words, nearness."""

import re
from typing import Any

from whoosh.qparser import plugins, syntax, taggers

from backfile.index.model.expression import Stretch

# As Nexis and Factiva have them: W/5, /5, NEAR/5, NEAR5 in either order; PRE/5, ADJ5 in this one;
# W/S, /S and PRE/S in one sentence, with P in one paragraph.
NEAR = (
    r"(?i:(?:(?:W|NEAR|ONEAR|PRE|ADJ)?/|NEAR|ADJ)(?=\d)|(?:W|NEAR|PRE)?/(?=[SP]))"
    r"(?P<within>\d{1,3}|(?i:[SP]))"
)
STRETCHES = {each[0].upper(): each for each in Stretch}
IN_ORDER = ("PRE", "ADJ", "ONEAR")


class WordPrefixPlugin(plugins.PrefixPlugin):
    """A prefix without its field; Whoosh's own plugin takes the field as part of the word."""

    # Only where such a run begins: Whoosh tries each position, and each would read to its end.
    expr = r"(?<![^\s*:\"()])(?P<text>[^\s*:\"()]+)[*](?=\s|$|\))"


class FuzzyNode(syntax.TextNode):
    """A word with a tilde, and the number of edits."""

    def __init__(self, text: str, edits: str = "") -> None:
        super().__init__(text)
        self.edits = int(edits or 1)


class FuzzyPlugin(plugins.TaggingPlugin):
    """Recognises a word with a tilde; Whoosh's own plugin makes other nodes of it."""

    expr = r"(?<![^\s*:\"()~])(?P<text>[^\s*:\"()~]+)~(?P<edits>\d?)(?=\s|$|\))"
    nodetype = FuzzyNode


class MarkNode(syntax.SyntaxNode):
    """A sign or a function's name, with its number, in front of what it applies to."""

    def __init__(self, name: str, number: str | None) -> None:
        self.name = name
        self.number = int(number) if number else None


class Marked(syntax.GroupNode):
    """What follows a mark, and the mark."""

    def __init__(self, nodes: Any, mark: MarkNode) -> None:
        super().__init__(nodes)
        self.mark = mark

    def empty_copy(self) -> "Marked":
        return Marked([], self.mark)


class MarksPlugin(plugins.TaggingPlugin):
    """Recognises `=ferry`, `=="No comment"` and functions such as ATLEAST3(ferry)."""

    expr = r"(?<![^\s(:])(?P<name>={1,2}(?=[\w\"])|[A-Z]{3,10}(?=\d{0,3}\())(?P<number>\d{1,3})?"
    nodetype = MarkNode
    priority = -10  # before words

    def filters(self, parser: Any) -> list[tuple[Any, int]]:  # noqa: ARG002
        return [(self._join, 50)]  # after groups, before fields and operators

    def _join(self, parser: Any, group: Any) -> Any:
        joined = group.empty_copy()
        nodes = iter(group)
        for node in nodes:
            if isinstance(node, MarkNode):
                following = next(nodes, None)
                marked = [] if following is None else [self._joined(parser, following)]
                joined.append(Marked(marked, node))
            else:
                joined.append(self._joined(parser, node))
        return joined

    def _joined(self, parser: Any, node: Any) -> Any:
        return self._join(parser, node) if isinstance(node, syntax.GroupNode) else node


class Neighbours(syntax.GroupNode):
    """Two parts or more, each near the one before; `steps` are the operators between them."""

    def __init__(self, nodes: Any, steps: list["NearOperator"]) -> None:
        super().__init__(nodes)
        self.steps = steps


class NearOperator(syntax.InfixOperator):
    """How near its two sides must be, and whether in this order."""

    def __init__(self, text: str, within: str) -> None:
        super().__init__(text, Neighbours)
        self.within = STRETCHES.get(within.upper()) or max(1, int(within))
        self.ordered = text.upper().startswith(IN_ORDER)

    def replace_self(self, parser: Any, group: Any, position: int) -> int:  # noqa: ARG002
        """Join both sides; an operator with a side missing becomes a word."""
        sides = group[position - 1 : position] + group[position + 1 : position + 2]
        if position == 0 or len(sides) < 2 or any(isinstance(s, syntax.Operator) for s in sides):
            group[position] = syntax.WordNode(self.text)
            return position
        before, after = sides
        if isinstance(before, Neighbours):
            before.append(after)
            before.steps.append(self)
            del group[position : position + 2]
        else:
            group[position - 1 : position + 2] = [Neighbours(list(sides), [self])]
        return position


class NearTagger(taggers.RegexTagger):
    """Finds the operators; Whoosh reads `optype`, `grouptype` and `leftassoc`."""

    optype = NearOperator
    grouptype = Neighbours
    leftassoc = True

    def __init__(self) -> None:
        super().__init__(rf"(?<=\s){NEAR}(?=\s)")

    def create(self, parser: Any, match: re.Match[str]) -> NearOperator:  # noqa: ARG002
        return NearOperator(match.group(), match["within"])
