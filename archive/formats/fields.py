"""Makes an Article of a record (a JSON object, a CSV row, front matter) by its field names."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self

from backfile.archive.formats.cleaning import clean_line, clean_text
from backfile.archive.formats.cleaning.characters import is_legible
from backfile.archive.formats.dates.article_day import DateContext, DateReading, settle_day
from backfile.archive.formats.dates.order import DateOrder
from backfile.archive.formats.languages import language_of
from backfile.archive.formats.proposals import left_out_of, proposal_for
from backfile.archive.formats.values import (
    as_date,
    as_line,
    as_name,
    as_names,
    as_text,
    dotted,
    fields_of_blocks,
)
from backfile.archive.formats.web.markup import plain_text
from backfile.archive.model.addresses import is_page, site_of
from backfile.archive.model.article import (
    Article,
    DateSource,
    Origin,
    TextKind,
    TitleSource,
    shortened,
)
from backfile.archive.model.errors import BadSetting, UnreadableArticle
from backfile.archive.model.ids import id_of_address, id_of_content

# The usual field names, most likely first; compared without case, spaces and punctuation.
USUAL_NAMES: dict[str, tuple[str, ...]] = {
    "id": ("id", "guid", "uuid", "articleid", "docid", "identifier", "uri"),
    "title": (
        *("title", "headline", "head", "articletitle", "hl1", "subject"),
        *("titel", "überschrift", "schlagzeile", "titre", "título", "titulo", "titolo"),
    ),
    "text": (
        *("text", "body", "content", "maintext", "fulltext", "articletext", "articlebody"),
        *("bodytext", "contenttext", "article", "story", "plaintext", "contents", "bodyhtml"),
        *("contenthtml", "articlehtml", "html", "paragraphs", "blocks", "contentelements"),
        *("selftext", "volltext", "inhalt", "artikeltext", "texte", "contenu", "corps"),
        *("texto", "contenido", "cuerpo", "testo"),
        *("description", "summary", "abstract", "abstractnote", "abstracttext", "snippet"),
        *("excerpt", "standfirst", "teaser", "leadparagraph"),
    ),
    "published": (
        *("published", "date", "publisheddate", "publishedat", "publicationdate", "datepublished"),
        *("pubdate", "publishdate", "published_on", "publishedon", "publishtime", "datetime"),
        *("datepublish", "publicationdatetime", "webpublicationdate", "firstpublished", "pubtime"),
        *("postdate", "postedat", "timestamp", "time", "day", "created", "createdat"),
        *("versioncreated", "createdutc", "datum", "erscheinungsdatum", "fecha"),
    ),
    "source": (
        *("source", "sourcename", "publisher", "outlet", "publication", "newspaper", "provider"),
        *("publicationtitle", "sitename", "medianame", "sourcedomain", "site", "domain"),
        *(
            "sourceurl",
            "journal",
            "containertitle",
            "namesource",
            "domainurl",
            "quelle",
            "zeitung",
            "fuente",
        ),
    ),
    "url": (
        "url",
        "link",
        "canonicalurl",
        "canonical",
        "permalink",
        "weburl",
        "articleurl",
        "href",
        "uri",
    ),
    "authors": (
        *("authors", "author", "byline", "bylines", "creator", "creators", "by", "writer"),
        *("autor", "autoren", "verfasser", "auteur", "auteurs", "autores", "autore"),
    ),
    "section": (
        *("section", "topic", "category", "sections", "topics", "desk", "categories"),
        *("sectionname", "kicker", "ressort", "rubrik", "rubrique", "sección"),
    ),
    "language": ("language", "lang", "locale", "sprache", "langue", "idioma"),
}


NO_LETTERS = re.compile(r"[\W_]+")
ADDRESSES = ("http://", "https://")
MAP_TEXT = "--map text=NAME"
# Names of fields that hold a summary, or the beginning of a text; `description` may hold all of it.
ABSTRACTS = frozenset(
    (
        *("abstract", "abstractnote", "abstracttext", "snippet", "trailtext", "standfirst"),
        *("leadparagraph", "excerpt", "teaser", "summary"),
    )
)
CUT_BY_API = re.compile(r"(?:…|\.{3})?\s*\[\+?\d{1,9} chars\]\Z")
CUT_WITHIN = 40  # characters at the end of a text
ILLEGIBLE = "its text is not made of letters (binary data, or packed)"


def normal_name(name: str) -> str:
    """Fold a field name: `Date-Published` and `datePublished` are equal.

    >>> normal_name("Date-Published")
    'datepublished'
    """
    return (name if name.isalnum() else NO_LETTERS.sub("", name)).casefold()


NORMAL_NAMES = {ours: tuple(map(normal_name, usual)) for ours, usual in USUAL_NAMES.items()}


class PdfReading(NamedTuple):
    """How PDF is read: scans in `languages` of tesseract, if any; `clippings` each by itself."""

    languages: str = ""
    clippings: bool = False


@dataclass(frozen=True, slots=True)
class FieldMap:
    """Which record field maps to which article field; `chosen` overrides the usual names.

    `dates` says how dates are read, `remedy` how a person can map a text; a format whose fields
    cannot be mapped has none. `pdf` says how PDF is read.
    """

    chosen: Mapping[str, str] = field(default_factory=dict)
    dates: DateReading = field(default_factory=DateReading)
    remedy: str = ""
    pdf: PdfReading = PdfReading()

    @classmethod
    def from_options(cls, options: tuple[str, ...], order: DateOrder | None = None) -> "FieldMap":
        """Parse `FIELD=NAME` options; raise BadSetting for an invalid one."""
        chosen = {}
        for option in options:
            ours, equals, theirs = option.partition("=")
            if not equals or not theirs or ours not in USUAL_NAMES:
                known = ", ".join(USUAL_NAMES)
                raise BadSetting("--map", f"{option!r} is not FIELD=NAME with FIELD one of {known}")
            chosen[ours] = theirs
        return cls(chosen, DateReading(order), MAP_TEXT)

    @classmethod
    def from_stored(
        cls, chosen: Mapping[str, str], date_order: str = "", pdf: Iterable[Any] = ()
    ) -> "FieldMap":
        """Restore a map from the values of `to_stored`."""
        dates = DateReading(DateOrder(date_order) if date_order else None)
        return cls(chosen, dates, pdf=PdfReading(*pdf))

    def to_stored(self) -> dict[str, Any]:
        """The map as JSON values, stored to read the same input again in the same way."""
        order = self.dates.order
        dates = {"date_order": order.value} if order else {}
        pdf = {"pdf": list(self.pdf)} if self.pdf != PdfReading() else {}
        return {"chosen": dict(self.chosen)} | dates | pdf

    def choosing(self, chosen: Mapping[str, str]) -> Self:
        """The same map with these fields chosen; a subclass counts on."""
        return replace(self, chosen=chosen)

    def find(self, record: Mapping[str, Any]) -> dict[str, Any]:
        """Find the value of each article field: the first usual name that is not empty.

        >>> FieldMap({"section": "meta.desk"}).find({"Headline": "A", "meta": {"desk": "B"}})
        {'title': 'A', 'section': 'B'}
        """
        return {ours: value for ours, _, value in self.mapped_fields(record)}

    def mapped_fields(self, record: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        """Find the same as (article field, record field, value)."""
        by_name = {normal_name(str(key)): (str(key), value) for key, value in record.items()}
        found: list[tuple[str, str, Any]] = []
        for ours, usual in NORMAL_NAMES.items():
            if theirs := self.chosen.get(ours):
                named = [(theirs, dotted(record, theirs))]
            else:
                named = [by_name[name] for name in usual if name in by_name]
            found += [(ours, *each) for each in named if _is_filled(each[1])][:1]
        return found


def article_from(
    record: Mapping[str, Any],
    origin: Origin,
    names: FieldMap,
    defaults: Mapping[str, str] | None = None,
    date_source: DateSource = DateSource.FIELD,
    version: int = 0,
    file_name: str = "",
) -> Article:
    """Make an article of a record; without id and url, its id is made of its content.

    `defaults` are values of article fields for fields that the record lacks; `date_source` says
    where the date field comes from; `version` is the source's version number; `file_name` is the
    path below the input folder of a file that holds this article alone.

    Raises UnreadableArticle if the record has neither text nor title.
    """
    mapped = names.mapped_fields(record)
    found = {ours: value for ours, _, value in mapped}
    found = {**(defaults or {}), **fields_of_blocks(found.get("text")), **found}
    title = clean_line(plain_text(as_line(found.get("title", ""))))
    written_text = as_text(found.get("text", ""))
    if not is_legible(written_text):
        raise UnreadableArticle(str(origin), ILLEGIBLE)
    text = clean_text(_without_count(written_text))
    if not text:
        if not title:
            raise UnreadableArticle(str(origin), _nothing_to_read(record, names))
        text = title
    url = clean_line(as_line(found.get("url", "")))
    source = clean_line(as_name(found.get("source", "")))
    if source.startswith(ADDRESSES):  # of a site, or of the article
        url = url or (source if is_page(source) else "")
        source = site_of(source) or source
    named = clean_line(as_line(found.get("language", "")))
    language = language_of(named, title, text)
    written = as_date(found.get("published", ""))
    context = DateContext(named or language, url, source, file_name, text)
    day = settle_day(written, date_source, context, names.dates)
    given = clean_line(as_line(found.get("id", "")))
    article = Article(
        id=given or (id_of_address(url) if url else ""),
        title=title or stand_in_title(text),
        title_source=TitleSource.GIVEN if title else TitleSource.LEAD,
        text=text,
        published=day.published,
        published_at=day.published_at,
        date_source=day.date_source,
        source=source,
        section=clean_line(as_name(found.get("section", ""))),
        authors=as_names(found.get("authors", ())),
        language=language,
        url=url,
        origin=origin,
        date_certainty=day.date_certainty,
        date_written=day.date_written,
        version=version,
        period=day.period,
        text_kind=_kind_of_text(record, mapped, written_text),
        left_out=left_out_of(record, found, text),
    )
    return article if article.id else replace(article, id=id_of_content(article))


def _kind_of_text(
    record: Mapping[str, Any], mapped: Iterable[tuple[str, str, Any]], text: str
) -> TextKind:
    """Whether a text is an abstract, by the name of its field, or as the record says."""
    theirs = next((theirs for ours, theirs, _ in mapped if ours == "text"), "")
    is_named = not ABSTRACTS.isdisjoint(map(normal_name, theirs.split(".")))
    is_cut = bool(text.endswith("chars]") and CUT_BY_API.search(text[-CUT_WITHIN:]))
    is_abstract = is_named or is_cut or record.get("text_kind") == TextKind.ABSTRACT
    return TextKind.ABSTRACT if is_abstract else TextKind.WHOLE


def record_of(article: Article) -> dict[str, Any]:
    """The record of an article: `article_from` makes the same article of it."""
    given = {
        "id": article.id,
        "title": article.given_title,
        "text": article.text,
        "published": article.published_at or article.published or str(article.period or ""),
        "source": article.source,
        "section": article.section,
        "authors": list(article.authors),
        "language": article.language,
        "url": article.url,
        "text_kind": article.text_kind.value if article.text_kind is TextKind.ABSTRACT else "",
    }
    return {name: value for name, value in given.items() if _is_filled(value)}


def stand_in_title(text: str) -> str:
    """Make a title of the first sentence, shortened."""
    from sentencex import segment

    opening = text[:1000].split("\n\n", 1)[0]
    sentences = segment("en", opening)
    return shortened(sentences[0] if sentences else opening)


def _is_filled(value: object) -> bool:
    return value is not None and value != "" and value != [] and value != {}


def _without_count(text: str) -> str:
    """Remove `[+123 chars]`, which NewsAPI puts behind the beginning of a text."""
    if not text.endswith("chars]"):
        return text
    return text[:-CUT_WITHIN] + CUT_BY_API.sub("…", text[-CUT_WITHIN:])


def _nothing_to_read(record: Mapping[str, Any], names: FieldMap) -> str:
    if wanted := names.chosen.get("text"):
        return f"the field {wanted!r}, mapped to text, is absent or empty"
    fields = ", ".join(str(key)[:40] for key in list(record)[:12]) or "none"
    proposed = proposal_for(record, names.find(record)) if names.remedy else ""
    remedy = f"; try {proposed}" if proposed else f"; name one with {names.remedy}"
    remedy = remedy if names.remedy else ""
    return f"no text and no title among the fields ({fields}){remedy}"


@dataclass(frozen=True, slots=True)
class WatchedFields(FieldMap):
    """A field map that counts the record fields that are used, and those that are not."""

    used: Counter[tuple[str, str]] = field(default_factory=Counter)
    unused: Counter[str] = field(default_factory=Counter)

    def mapped_fields(self, record: Mapping[str, Any]) -> list[tuple[str, str, Any]]:
        found = FieldMap.mapped_fields(self, record)
        names = {theirs for _, theirs, _ in found}
        self.used.update((ours, theirs) for ours, theirs, _ in found)
        self.unused.update(str(name)[:40] for name in record if name not in names)
        return found

    def columns(self) -> dict[str, list[tuple[str, int]]]:
        """By our fields: the record fields that were used, and how often, the commonest first."""
        pairs = self.used.most_common()
        found = {
            ours: [(theirs, count) for (name, theirs), count in pairs if name == ours]
            for ours in USUAL_NAMES
        }
        return {ours: theirs for ours, theirs in found.items() if theirs}

    def never_used(self) -> list[str]:
        """The record fields of which no value was used, the commonest first."""
        used = {theirs for _, theirs in self.used}
        return [name for name, _ in self.unused.most_common() if name not in used]
