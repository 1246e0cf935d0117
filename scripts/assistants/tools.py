"""What a language model may ask of an archive; all answers fit into a number of characters.

An answer has what is needed to cite it: the id, date, outlet and address of each article.
Docstrings and the descriptions of parameters are written for the model.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

from pydantic import Field

from backfile.answers import Answer
from backfile.archive.model.article import Article
from backfile.index.model.results import Totals
from backfile.library import Archive

Json = dict[str, Any]
USUAL, LEAST, MOST = 8_000, 500, 50_000  # characters of an answer
LEAST_PASSAGE = 200  # characters
AROUND = 500  # characters of an answer beside its hits
VALUES = 30  # of a facet

Text = Annotated[
    str,
    Field(
        description='Words, a question, or a query: "exact phrase", AND OR NOT, word*, title:word, '
        "a W/5 b (near each other), before:2024-03, on:2016-11-08. Empty: all that pass filters.",
        max_length=4_000,
    ),
]
Mode = Annotated[
    Literal["hybrid", "keyword", "semantic"],
    Field(
        description="hybrid: by words and by meaning (use this if unsure). keyword: for names, "
        "numbers and phrases that must be there. semantic: for questions and ideas whose wording "
        "is not known."
    ),
]
Day = Annotated[
    str | None, Field(description="2024-03-23, 2024-03 or 2024; inclusive.", max_length=10)
]
Names = Annotated[list[str] | None, Field(description="Any of these values.", max_length=50)]
Named = Annotated[
    list[str] | None,
    Field(description="Named in the text, as a facet writes it: any of these.", max_length=50),
]
Excluded = Annotated[list[str] | None, Field(description="None of these values.", max_length=50)]
Sort = Annotated[
    Literal["relevance", "newest", "oldest", "added"],
    Field(description="oldest finds the first mention; newest the latest."),
]
Match = Annotated[
    Literal["all", "most", "some", "related"] | None,
    Field(
        description="The last group of hits that is wanted. all: with all words; most, some: with "
        "less; related: by meaning alone. Leave it out for the first group that has hits."
    ),
]
Characters = Annotated[
    int, Field(description="The most characters of the answer.", ge=LEAST, le=MOST)
]
Id = Annotated[str, Field(description="The id of an article, from an earlier answer.")]


class ArchiveTools:
    """The tools over one open archive."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive

    @property
    def tools(self) -> list[Callable[..., Json]]:
        return [
            self.search,
            self.passages,
            self.article,
            self.related,
            self.timeline,
            self.facets,
        ]

    def search(
        self,
        query: Text = "",
        mode: Mode = "hybrid",
        since: Day = None,
        until: Day = None,
        source: Names = None,
        section: Names = None,
        language: Names = None,
        author: Names = None,
        person: Named = None,
        organisation: Named = None,
        place: Named = None,
        not_source: Excluded = None,
        not_section: Excluded = None,
        not_language: Excluded = None,
        not_author: Excluded = None,
        not_person: Excluded = None,
        not_organisation: Excluded = None,
        not_place: Excluded = None,
        date: Annotated[
            Literal["any", "none", "within"],
            Field(
                description="none: articles without a date. within: dates such as 2024-05 or 2024 "
                "must lie between since and until as a whole."
            ),
        ] = "any",
        day: Annotated[str | None, Field(description="A day of any year: 03-23.")] = None,
        collection: Annotated[
            str | None, Field(description="A collection of starred articles.", max_length=100)
        ] = None,
        added_since: Annotated[
            str | None,
            Field(description="Added to the archive from this day on.", max_length=40),
        ] = None,
        match: Match = None,
        strict: Annotated[
            bool, Field(description="true: never relax a phrase or an operator that finds nothing.")
        ] = False,
        sort: Sort = "relevance",
        copies: Annotated[
            Literal["fold", "show"], Field(description="show: each copy of a story is a hit.")
        ] = "fold",
        limit: Annotated[int, Field(description="Articles.", ge=1, le=50)] = 10,
        cursor: Annotated[
            str | None, Field(description="The `next` of an earlier answer, for its next page.")
        ] = None,
        characters: Characters = USUAL,
    ) -> Json:
        """Find news articles, best first, each with its best passages.

        `totals` are true counts, of the hits that hold all words, or else most, or some, or are
        related: `counted` says which. `totals.groups` counts each of these groups. A `verdict` of
        none means that the archive does not answer this: say so, and do not guess. `relaxed` says
        that no article has the exact words: the hits have most of them near each other (near), or
        some of them (words), so compare a quote with the passage. `notes` tell how the query was
        read. Cite id, date, source and url.
        """
        answer = self._archive.search(
            query,
            mode=mode,
            since=since,
            until=until,
            source=source,
            section=section,
            language=language,
            author=author,
            person=person,
            organisation=organisation,
            place=place,
            not_source=not_source,
            not_section=not_section,
            not_language=not_language,
            not_author=not_author,
            not_person=not_person,
            not_organisation=not_organisation,
            not_place=not_place,
            date=date,
            day=day,
            collection=collection,
            added_since=added_since,
            match=match,
            strict=strict,
            sort=sort,
            copies=copies,
            limit=limit,
            cursor=cursor,
        )
        hits = [
            {
                **citation(hit.article),
                "score": round(hit.score, 4),
                "passages": [each.text for each in hit.passages],
            }
            for hit in answer
        ]
        kept, cut = within(hits, characters)
        return {
            **_summary(answer),
            "hits": kept,
            "hits_cut": cut,
            "did_you_mean": answer.did_you_mean,
            "next": answer.next,
        }

    def passages(
        self,
        query: Text,
        mode: Mode = "hybrid",
        since: Day = None,
        until: Day = None,
        source: Names = None,
        limit: Annotated[int, Field(description="Articles.", ge=1, le=50)] = 10,
        characters: Characters = USUAL,
    ) -> Json:
        """Find passages to quote, best first, each with its place in its article and its source."""
        answer = self._archive.search(
            query, mode=mode, since=since, until=until, source=source, limit=limit
        )
        found = sorted(
            ((passage, hit) for hit in answer for passage in hit.passages),
            key=lambda pair: -pair[0].score,
        )
        passages = [
            {
                **citation(hit.article),
                "start": passage.start,
                "end": passage.end,
                "passages": [passage.text],
            }
            for passage, hit in found
        ]
        kept, cut = within(passages, characters)
        listed = [{"text": "".join(each.pop("passages")), **each} for each in kept]
        return {**_summary(answer), "passages": listed, "passages_cut": cut}

    def article(
        self,
        id: Id,
        start: Annotated[int, Field(description="The first character.", ge=0)] = 0,
        characters: Characters = USUAL,
    ) -> Json:
        """Read an article, or a part of a long one: go on at `next_start` until it is null."""
        article = self._archive.article(id)
        end = min(len(article.text), start + characters)
        return {
            **citation(article),
            "authors": list(article.authors),
            "section": article.section,
            "language": article.language,
            "text": article.text[start:end],
            "length": len(article.text),
            "next_start": end if end < len(article.text) else None,
        }

    def related(
        self, id: Id, limit: Annotated[int, Field(description="Of each kind.", ge=1, le=20)] = 5
    ) -> Json:
        """Find earlier, same-day and later coverage of an article's subject."""
        found = self._archive.related(id, limit=limit)
        return {
            kind: [{**citation(each.article), "score": round(each.score, 4)} for each in articles]
            for kind, articles in found.kinds.items()
        }

    def timeline(
        self,
        query: Text = "",
        mode: Mode = "hybrid",
        since: Day = None,
        until: Day = None,
        source: Names = None,
    ) -> Json:
        """Count what a search finds by day, month, year or longer, and what has no date."""
        answer = self._counted(query, mode, since, until, source)
        timeline = answer.timeline
        return {
            **_summary(answer),
            "unit": timeline.unit.value if timeline.unit else None,
            "bins": [{"period": each.value, "count": each.count} for each in timeline.bins],
            "undated": timeline.undated,
        }

    def facets(
        self,
        query: Text = "",
        mode: Mode = "hybrid",
        since: Day = None,
        until: Day = None,
        source: Names = None,
    ) -> Json:
        """Count what a search finds by outlet, section, language and author.

        And by the people, organisations and places in the texts, if these were read.
        """
        answer = self._counted(query, mode, since, until, source)
        return {
            **_summary(answer),
            "facets": {
                name: dict(list(counts.items())[:VALUES]) for name, counts in answer.facets.items()
            },
            "facets_total": answer.facets_total,
        }

    def _counted(self, query: str, mode: str, since: Day, until: Day, source: Names) -> Answer:
        """An answer for its counts alone."""
        return self._archive.search(
            query, mode=mode, since=since, until=until, source=source, limit=1
        )


def citation(article: Article) -> Json:
    """What an article is cited by."""
    return {
        "id": article.id,
        "title": article.title,
        "date": str(article.date_span) if article.date_span else None,
        "source": article.source,
        "url": article.url,
    }


def within(hits: Sequence[Json], characters: int) -> tuple[list[Json], int]:
    """Leave out the last hits, and cut the passages of the others, so that all fit.

    Returns the hits, at least one of them, and the number of those that are left out.
    """
    room, kept = characters - AROUND, list(hits)
    beside = [len(json.dumps({**hit, "passages": []}, ensure_ascii=False)) for hit in hits]
    while len(kept) > 1 and sum(beside[: len(kept)]) + LEAST_PASSAGE * len(kept) > room:
        kept.pop()
    share = max(LEAST_PASSAGE, (room - sum(beside[: len(kept)])) // max(1, len(kept)))
    cut = [{**hit, "passages": list(_cut(hit["passages"], share))} for hit in kept]
    return cut, len(hits) - len(kept)


def _cut(passages: Sequence[str], room: int) -> Iterator[str]:
    """Yield passages until they have so many characters; the last one is cut."""
    for text in passages:
        if len(text) > room:
            if room >= LEAST_PASSAGE // 2:
                yield text[: room - 1] + "…"
            return
        yield text
        room -= len(text) + len('", "')


def _summary(answer: Answer) -> Json:
    totals: Totals = answer.totals
    return {
        "total": answer.total,
        "totals": {
            "articles": totals.articles,
            "stories": totals.stories,
            "by_words": totals.by_words,
            "by_meaning_alone": totals.by_meaning_alone,
            "groups": {group.value: count for group, count in totals.groups.items()},
        },
        "counted": answer.counted,
        "verdict": answer.verdict,
        "relaxed": answer.relaxed,
        "notes": list(answer.notes),
    }
