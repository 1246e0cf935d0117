"""Converts articles and results to JSON values, the same for the API and the shell."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from backfile.archive.furniture import furniture_of
from backfile.archive.model.article import Article, Passage
from backfile.archive.model.dates import DateSpan
from backfile.archive.store.catalog import StoredArticle
from backfile.archive.store.clusters import Copy, OtherCopies
from backfile.archive.store.reader import Versions
from backfile.index.asking.autocomplete import Suggestion
from backfile.index.model.filters import FACET_FILTERS, Filters, written_instant
from backfile.index.model.query import Query
from backfile.index.model.results import (
    Bin,
    Closest,
    DidYouMean,
    Explanation,
    FacetCount,
    Hit,
    Offer,
    OfferKind,
    PassageHit,
    Ranks,
    Relaxation,
    Results,
    Wording,
)
from backfile.index.search.outlets import Outlet, OutletSummary
from backfile.index.search.related import Related, RelatedArticle

Json = dict[str, Any]
NO_COPIES = OtherCopies()


def results_json(results: Results) -> Json:
    """The answer to a query."""
    return {
        "query": query_json(results.query)
        | {
            "read_as": results.reading.description,
            "notes": list(results.reading.notes),
            "parts": [part._asdict() for part in results.reading.parts],
            "counted": results.counted.value if results.counted else None,
        },
        "total": results.total,
        "totals": {
            "articles": results.totals.articles,
            "stories": results.totals.stories,
            "by_words": results.totals.by_words,
            "by_meaning_alone": results.totals.by_meaning_alone,
            "groups": _groups(results),
        },
        "hits": [_hit(hit) for hit in results.hits],
        "facets": {name: _counts(counts) for name, counts in results.facets.items()},
        "facets_total": results.facets_total,
        "timeline": {
            "unit": results.timeline.unit.value if results.timeline.unit else None,
            "bins": [_bin(each) for each in results.timeline.bins],
            "undated": results.timeline.undated,
            "crossing": results.timeline.crossing,
        },
        "coverage": round(results.coverage, 4),
        "words_coverage": round(results.words_coverage, 4),
        "verdict": results.verdict.value,
        "relaxed": _relaxed(results.relaxed),
        "closest": [_closest(each) for each in results.closest],
        "offers": [_offer(offer) for offer in results.offers],
        "did_you_mean": _did_you_mean(results.did_you_mean),
        "generation": results.generation,
        "next": str(results.next) if results.next else None,
        "took_ms": results.took_ms,
    }


def query_json(query: Query) -> Json:
    """A query, with the names of its URL parameters."""
    filters = query.filters
    return {
        "q": query.text,
        "mode": query.mode.value,
        "since": _day(filters.since),
        "until": _day(filters.until),
        "date": filters.date.value,
        "day": str(filters.day) if filters.day else None,
        **{name: list(getattr(filters, name)) for name in FACET_FILTERS},
        "collection": filters.collection or None,
        "added_since": written_instant(filters.added_since) if filters.added_since else None,
        "match": query.match.value if query.match else None,
        "sort": query.sort.value,
        "copies": query.copies.value,
        "timeline": query.timeline.value,
        "mark": query.mark.value,
        "strict": query.strict,
        "limit": query.limit,
        "cursor": str(query.cursor) if query.cursor else None,
    }


def stored_json(stored: StoredArticle, copies: OtherCopies) -> Json:
    """A whole article as the archive has it, with its names."""
    names = {kind: list(some) for kind, some in stored.names._asdict().items()}
    return article_json(stored.article, stored.passages, copies) | names


def article_json(
    article: Article, passages: Sequence[Passage] = (), copies: OtherCopies = NO_COPIES
) -> Json:
    """A whole article, with its text, passages and copies."""
    return {
        **article_fields(article),
        "text": article.text,
        "furniture": [list(span) for span in furniture_of(article.text, passages)],
        **_copies(copies),
        "passages": [_passage(passage) for passage in passages],
    }


def related_json(related: Related) -> Json:
    """Related articles by time (earlier, same day, later), best first."""
    return {
        **{kind: [_related(found) for found in some] for kind, some in related.kinds.items()},
        "coverage": round(related.coverage, 4),
    }


def versions_json(found: Versions) -> Json:
    """All versions of an article with their times, latest first, and its withdrawal."""
    versions = [
        {"kept_at": each.kept_at, "replaced_at": each.replaced_at} | article_json(each.article)
        for each in found.versions
    ]
    withdrawn = found.withdrawn._asdict() if found.withdrawn else None
    return {"versions": versions, "withdrawn": withdrawn}


def outlets_json(summary: OutletSummary) -> Json:
    """All hits of a search by outlet."""
    return {
        "articles": summary.articles,
        "outlets": [_outlet(each) for each in summary.outlets],
        "generation": summary.answer.generation,
    }


def _outlet(outlet: Outlet) -> Json:
    first = outlet.first_article
    return {
        "source": outlet.name,
        "articles": outlet.articles,
        "share": round(outlet.share, 6),
        "first": str(outlet.first) if outlet.first else None,
        "last": str(outlet.last) if outlet.last else None,
        "first_article": article_fields(first) if first else None,
    }


def suggestions_json(text: str, found: Sequence[Suggestion]) -> Json:
    """Suggestions for a query that is being typed."""
    return {"q": text, "suggestions": [_suggestion(each) for each in found]}


def _suggestion(found: Suggestion) -> Json:
    article = article_fields(found.article) if found.article else None
    values = {"kind": found.kind.value, "text": found.text, "q": found.q}
    return {**values, "articles": found.articles, "article": article}


def _related(found: RelatedArticle) -> Json:
    return {
        "article": article_fields(found.article),
        "score": round(found.score, 6),
        "why": _why(found.why),
    }


def article_fields(article: Article) -> Json:
    """The metadata of an article."""
    return {
        "id": article.id,
        "title": article.title,
        "title_source": article.title_source.value,
        "text_kind": article.text_kind.value,
        "source": article.source,
        "published": _day(article.published),
        "published_at": article.published_at.isoformat() if article.published_at else None,
        "date": date_text(article.date_span),
        "date_source": article.date_source.value,
        "date_certainty": article.date_certainty.value,
        "date_written": article.date_written,
        "version": article.version,
        "url": article.url,
        "section": article.section,
        "authors": list(article.authors),
        "language": article.language,
    }


def _hit(hit: Hit) -> Json:
    return {
        "article": article_fields(hit.article),
        "added": written_instant(hit.added) if hit.added else None,
        "group": hit.group.value,
        "score": round(hit.score, 6),
        "ranks": _ranks(hit.ranks),
        "passages": [_passage_hit(passage) for passage in hit.passages],
        "why": _why(hit.why),
        **_copies(hit.copies),
    }


def _groups(results: Results) -> list[Json]:
    """The number of hits of each group, in the order of the groups."""
    counts = results.totals.groups.items()
    return [{"group": group.value, "count": count} for group, count in counts]


def _closest(closest: Closest) -> Json:
    return {
        "mode": closest.mode.value,
        "total": closest.total,
        "hits": [_hit(hit) for hit in closest.hits],
    }


def _copies(copies: OtherCopies) -> Json:
    """The listed copies, and the number of all copies."""
    return {"copies": [_copy(each) for each in copies.listed], "copies_total": copies.total}


def _copy(copy: Copy) -> Json:
    span = copy.date_span
    return {
        "id": copy.id,
        "title": copy.title,
        "source": copy.source,
        "published": _day(span.first if span and span.is_day else None),
        "date": date_text(span),
        "url": copy.url,
    }


def _passage_hit(hit: PassageHit) -> Json:
    return {
        **_passage(hit.passage),
        "highlights": [list(span) for span in hit.highlights],
        "heading_highlights": [list(span) for span in hit.heading_highlights],
        "nearest": list(hit.nearest) if hit.nearest else None,
        "wordings": [_wording(each) for each in hit.wordings],
        "score": round(hit.score, 6),
        "ranks": _ranks(hit.ranks),
        "cosine": None if hit.cosine is None else round(hit.cosine, 4),
        "why": _why(hit.why),
    }


def _wording(wording: Wording) -> Json:
    return {
        "asked": wording.asked,
        "lacking": [list(span) for span in wording.lacking],
        "says": wording.says,
        "added": [list(span) for span in wording.added],
    }


def _relaxed(relaxed: Relaxation | None) -> Json | None:
    if relaxed is None:
        return None
    return {"to": relaxed.to.value, "rules": [rule.value for rule in relaxed.rules]}


def _why(why: Explanation) -> Json:
    return {
        "sentence": why.sentence,
        "parts": [
            {
                "kind": part.kind.value,
                "text": part.text,
                "before": round(part.before, 6),
                "score": round(part.score, 6),
            }
            for part in why.parts
        ],
    }


def _passage(passage: Passage) -> Json:
    return {
        "id": passage.id,
        "start": passage.start,
        "end": passage.end,
        "heading": passage.heading,
        "text": passage.text,
    }


def _ranks(ranks: Ranks) -> Json:
    return {"lexical": ranks.lexical, "vector": ranks.vector}


def _offer(offer: Offer) -> Json:
    days = offer.query.filters if offer.query and offer.kind is OfferKind.DAYS else Filters()
    return {
        "q": offer.word,
        "articles": offer.articles,
        "kind": offer.kind.value,
        "value": offer.value,
        "since": _day(days.since),
        "until": _day(days.until),
    }


def _did_you_mean(found: DidYouMean | None) -> Json | None:
    if found is None:
        return None
    return {
        "text": found.text,
        "articles": found.articles,
        "variant": found.is_variant,
        "shown": found.is_shown,
    }


def _counts(counts: Sequence[FacetCount]) -> list[Json]:
    return [{"value": count.value, "count": count.count} for count in counts]


def _bin(found: Bin) -> Json:
    return {
        "value": found.value,
        "since": _day(found.since),
        "until": _day(found.until),
        "count": found.count,
        "of": found.of,
    }


def date_text(span: DateSpan | None) -> str | None:
    """A date as in EDTF: 2024-03-23, 2024-05, 2024 or 2024-03/2024-05."""
    return str(span) if span else None


def _day(day: date | None) -> str | None:
    return day.isoformat() if day else None
