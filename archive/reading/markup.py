"""Makes plain text of fragments of HTML, as feeds and mails carry them."""

from typing import Any

UNSEEN = ("script", "style", "template", "noscript", "svg", "iframe", "object", "head", "title")
CELLS = ("td", "th")
# Elements that stand on lines of their own; https://html.spec.whatwg.org/#flow-content-3
BLOCKS = frozenset(
    (
        *("address", "article", "aside", "blockquote", "body", "div", "dl", "dt", "dd", "fieldset"),
        *("figcaption", "figure", "footer", "form", "h1", "h2", "h3", "h4", "h5", "h6", "header"),
        *("hr", "li", "main", "nav", "ol", "p", "pre", "section", "table", "tr", "ul", "center"),
    )
)


def text_of(fragment: str) -> str:
    """Keep the paragraphs of a fragment of HTML, divided by blank lines, and drop its marks.

    >>> text_of("<p>Rain &amp; <b>snow</b></p><p>fell.<script>x()</script></p>")
    'Rain & snow\\n\\nfell.'
    """
    if "<" not in fragment and "&" not in fragment:
        return fragment
    from lxml import etree, html

    try:
        tree = html.fromstring(f"<div>{fragment}</div>")
    except (etree.LxmlError, ValueError):
        return fragment
    return text_in(tree)


def text_in(tree: Any) -> str:
    """The same of a tree of lxml's, which is emptied of what is not seen."""
    from lxml import etree

    etree.strip_elements(tree, *UNSEEN, etree.Comment, etree.PI, with_tail=False)
    paragraphs = "".join(_pieces(tree)).split("\n\n")
    lines = ("\n".join(" ".join(line.split()) for line in each.split("\n")) for each in paragraphs)
    return "\n\n".join(line for line in (each.strip() for each in lines) if line)


def _pieces(tree: Any) -> list[str]:
    """The text of a tree in order, blocks between blank lines; not by recursion, as it is deep."""
    from lxml import etree

    pieces: list[str] = []
    for event, element in etree.iterwalk(tree, events=("start", "end")):
        block = element.tag in BLOCKS
        if event == "start":
            pieces.append("\n" if element.tag == "br" else "\n\n" if block else "")
            pieces.append(" " if element.tag in CELLS else "")
            pieces.append(_flat(element.text))
        else:
            pieces += ["\n\n" if block else "", _flat(element.tail)]
    return pieces


def _flat(text: str | None) -> str:
    """White space in HTML is one space, line ends included."""
    return " ".join(f"|{text or ''}|".split())[1:-1]
