"""The help page, and the examples of the query language that it shows as links.

The searcher reads each example, so that the page shows how the program reads it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request

from backfile.archive.model.message import Message
from backfile.index.asking.reader import ReadQuery
from backfile.index.model.query import Mode, Query
from backfile.index.search.question import ArchiveSearcher


@dataclass(frozen=True, slots=True)
class Example:
    """An example query, and a description of its results."""

    typed: str
    finds: Message


EXAMPLES: Mapping[str, tuple[Example, ...]] = {
    "words": (
        Example(
            "ferry timetable",
            Message("these words in any form, such as “ferries”; capitals do not matter"),
        ),
        Example(
            "north-east",
            Message("“northeast” too; so “U.N.” is “UN”, “F-16” is “F16”, “1,500” is “1500”"),
        ),
        Example("US troops", Message("in capitals the country, also “U.S.”; “us” is a stop word")),
        Example("Brücke", Message("words of other languages: “Brücken” and “Bruecke” too")),
        Example("l'eau", Message("“eau”, with or without its article")),
        Example(
            "再開",
            Message("characters in this order, in Chinese, Japanese, Korean and Thai"),
        ),
        Example("Why was the bridge closed?", Message("a question, by its words and its meaning")),
    ),
    "phrases": (
        Example('"swing bridge"', Message("these words in this order")),
        Example('"swing bri*"', Message("words that begin so, within a phrase too")),
        Example('"the * bridge"', Message("one word, whichever it is, in place of the star")),
        Example('"river Ash"~5', Message("words in this order, at most five words apart")),
        Example(
            "bridge W/5 closed",
            Message("at most five words apart, in either order; /5 and NEAR/5 do the same"),
        ),
        Example(
            "swing PRE/3 bridge",
            Message("in this order, the second at most three words on; ADJ3 does the same"),
        ),
        Example(
            "council W/S bridge",
            Message("in one sentence; /S does the same, and PRE/S keeps the order"),
        ),
        Example(
            "bridge W/P ferry",
            Message("in one paragraph; /P and SAME do the same, and PRE/P keeps the order"),
        ),
        Example(
            "(closed OR shut) W/5 bridge",
            Message("either of the words in parentheses, at most five words from the other"),
        ),
    ),
    "operators": (
        Example("ferry AND bridge", Message("articles that hold both words")),
        Example("ferry OR boat", Message("articles that hold at least one of the words")),
        Example("ferry NOT bridge", Message("articles that hold the first word, not the second")),
        Example(
            "ferry AND (bridge OR boat) NOT strike",
            Message("all of this together; parentheses say what belongs together"),
        ),
    ),
    "spelling": (
        Example(
            "bridg*", Message("any word that begins so, in any form: “bridge” and “bridging” too")
        ),
        Example(
            "brigde~",
            Message("any word that differs by one letter; two swapped letters count as one"),
        ),
        Example("presdint~2", Message("any word that differs by at most two letters")),
        Example("br?dge", Message("? stands for one letter, * for any number of letters")),
    ),
    "exact": (
        Example("=boats", Message("this spelling, and no other form of the word")),
        Example('="swing bridge"', Message("the words of a phrase in these spellings")),
        Example("==Ash", Message("this spelling with these capitals")),
        Example("ALLCAPS(WHO)", Message("in capitals alone; CAPS( ) and NOCAPS( ) do as they say")),
        Example("HLEAD(ferry)", Message("in the headline or the first paragraph")),
        Example("ATLEAST2(bridge)", Message("twice or more in one article")),
        Example('BYLINE("Ana Ruiz")', Message("articles by this author")),
        Example("ferry LENGTH>100", Message("in articles of more than 100 words")),
    ),
    "fields": (
        Example("title:bridge", Message("a word in the headline")),
        Example('author:"Ana Ruiz"', Message("articles by this author")),
        Example('source:"Coastal Courier"', Message("articles of this newspaper or agency")),
        Example("language:de", Message("articles in a language, by its code: here German")),
    ),
    "days": (
        Example("bridge before:2023-06", Message("before a day, a month or a year")),
        Example("bridge after:2023", Message("after a day, a month or a year")),
        Example("bridge on:2023-03-15", Message("on a day, in a month or in a year")),
        Example('bridge on:"last week"', Message("from Monday to Sunday of the week before")),
        Example(
            "after:2022 before:2024-07",
            Message("all articles of a time, the newest first"),
        ),
        Example("date:none", Message("articles without a date")),
    ),
}
"""Examples by section of the page."""


def blueprint(searcher: ArchiveSearcher) -> Blueprint:
    """The route of the help page."""
    routes = Blueprint("help", __name__)

    @routes.get("/help")
    def show() -> str:
        examples = {
            section: [_read(each, searcher) for each in listed]
            for section, listed in EXAMPLES.items()
        }
        return render_template("help.html", examples=examples)

    @routes.get("/llms.txt")
    def for_language_models() -> Response:
        text = render_template("llms.txt", root=request.url_root.rstrip("/"), modes=list(Mode))
        return Response(text, content_type="text/plain; charset=utf-8")

    return routes


def _read(example: Example, searcher: ArchiveSearcher) -> tuple[Example, Query, ReadQuery]:
    query = Query(example.typed)
    return example, query, searcher.read(query)
