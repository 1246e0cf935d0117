"""Makes articles, archives, engines and source documents for the tests."""

import ctypes
import html
import io
import json
import random
import re
import shutil
import time
import warnings
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
from click.testing import CliRunner
from flask import Flask
from warcio.statusandheaders import StatusAndHeaders
from warcio.warcwriter import WARCWriter
from whoosh.index import TOC

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.inputs import Reading
from backfile.archive.model.settings import DEFAULT_MODEL, Settings
from backfile.archive.store.catalog import Catalog
from backfile.archive.store.directory import ArchiveDirectory
from backfile.archive.store.reader import ArchiveReader
from backfile.archive.store.vectors import VectorFile
from backfile.archive.workers import Workers
from backfile.index.answers.timeline import merged_timeline, placed_in_periods, span
from backfile.index.duplicates.crossing import Crossing
from backfile.index.indexing.indexer import Indexer
from backfile.index.indexing.stages import Sizes
from backfile.index.indexing.verify import verify
from backfile.index.lexical.storage.segments import INDEX_NAME, schema
from backfile.index.lexical.storage.unpickling import DIGEST, MARK, IndexFolder
from backfile.index.lexical.storage.whoosh_index import WhooshIndex
from backfile.index.model.article_table import ArticleTable
from backfile.index.model.article_table_file import ArticleTableFile
from backfile.index.model.category import Category
from backfile.index.model.noise import NoiseFile
from backfile.index.model.query import Copies, Mode, Query
from backfile.index.model.whole import result_of
from backfile.index.seams.engines import Engines
from backfile.index.seams.protocols import LexicalEntry
from backfile.index.search.ranking import RankingOptions
from backfile.index.search.searcher import Searcher
from backfile.index.vector.chroma_index import ChromaIndex
from backfile.index.vector.embedding.model import find_model
from backfile.index.wiring import open_engines, searcher_over
from backfile.scripts.backfile import main
from backfile.web.api.writes import Writes
from backfile.web.app import NO_ACCESS, create_app
from backfile.web.collections.access import Access
from tests.fakes import CapitalisedNames, HashedWords, MemoryIndex, MemoryVectors

ROOT = Path(__file__).parent.parent


STORIES = [
    {  # a headline, a name with an accent, every field
        "id": "ferry",
        "title": "Ferry timetable cut",
        "published": "2024-03-23",
        "source": "Courier",
        "section": "Transport",
        "author": "Ana Ruiz and José Núñez",
        "language": "en",
        "url": "https://courier.example/ferry",
        "text": "The night ferry across the Ash stops in May. Commuters were told by letter.\n\n"
        "What happens next\n\nThe council votes on Tuesday. A bus may replace the boat.",
    },
    {  # the same words in another order: phrases must tell them apart
        "id": "bridge",
        "title": "Swing bridge shut",
        "published": "2023-03-15",
        "source": "Courier",
        "section": "Transport",
        "author": "Ana Ruiz",
        "language": "en",
        "text": "The swing bridge was shut after inspectors found cracks. The ferry runs instead.",
    },
    {  # no title: its first sentence stands in for one
        "id": "untitled",
        "published": "2023-12-31",
        "source": "Gazette",
        "section": "Culture",
        "language": "en",
        "text": "Fireworks closed the year over the harbour. Nobody was hurt.",
    },
    {  # no date: it is found, and no filter by date lets it through
        "id": "undated",
        "title": "How the lighthouse keeper lived",
        "source": "Gazette",
        "section": "Culture",
        "text": "The keeper lit the lamp at dusk. A bridge of planks led to the rock.",
    },
    {  # another language, and an id that is a URL
        "id": "https://bote.example/a?b=1",
        "title": "Drehbrücke wieder offen",
        "published": "2024-11-19",
        "source": "Hafenbote",
        "section": "Verkehr",
        "language": "de",
        "text": "Die Drehbrücke ist wieder offen. Fußgänger gingen als Erste hinüber.",
    },
    {  # an id that is a path, and odd characters in it
        "id": "/2023/05/pier%20",
        "title": "Pier repainted",
        "published": "2023-05-02",
        "source": "Gazette",
        "text": "The pier is green again.",
    },
    {  # markup in every field, which must never reach a page as markup
        "id": "<b>id</b>",
        "title": "<script>alert('title')</script> harbour",
        "published": "2024-02-29",
        "source": "<i>Source</i>",
        "section": '"><script>alert(1)</script>',
        "language": "en",
        "url": "javascript:alert(1)",
        "text": "Harbour dues rise. <img src=x onerror=alert(1)> The ferry pays less.",
    },
]


class Words:
    """A tokenizer that takes each word for a token, with a small window."""

    window = 60

    def starts(self, text):
        return [
            i for i, c in enumerate(text) if not c.isspace() and (i == 0 or text[i - 1].isspace())
        ]


def silent(stage, done, total):
    """Progress that nobody watches."""


def engines_in(
    folder: Path, *, in_memory: bool, workers=None, embedder=None, names=None
) -> Engines:
    """Open or make the parts of an archive; the model is a fake in either case."""
    folder.mkdir(exist_ok=True)
    embedder = embedder or HashedWords()
    vectors = VectorFile(folder / "vectors", embedder.dimension)
    return Engines(
        catalog=Catalog.create(folder / "catalog.db"),
        vectors=vectors,
        lexical=MemoryIndex() if in_memory else WhooshIndex(folder / "lexical", workers),
        neighbours=MemoryVectors(vectors) if in_memory else ChromaIndex(folder / "chroma", vectors),
        embedder=embedder,
        table=ArticleTableFile(folder / "columns"),
        noise=NoiseFile(folder / "noise.json"),
        names=names,
    )


def indexer_of(engines: Engines, progress=silent, **options) -> Indexer:
    return Indexer(engines, Words(), progress, **options)


def started(workers: Workers) -> Workers:
    """Start worker processes and wait for them, so that even little work is given to them."""
    workers.start()
    while not workers.ready():
        time.sleep(0.01)
    return workers


def write_stories(folder: Path, stories=STORIES) -> Path:
    path = folder / "stories.jsonl"
    path.write_text("".join(json.dumps(story) + "\n" for story in stories), encoding="utf-8")
    return path


def fill(engines: Engines, *paths: Path):
    indexer = indexer_of(engines)
    report = indexer.index(Reading(paths, FieldMap()))
    indexer.embed()
    return report


def index_in_small_batches(folder: Path, news: Path, progress=silent) -> None:
    """Index and embed with worker processes, in many small steps."""
    folder.mkdir(exist_ok=True)
    with ArchiveDirectory(folder).writing(), Workers(2) as workers, Workers(1) as aside:
        names = CapitalisedNames()
        engines = engines_in(folder, in_memory=False, workers=started(workers), names=names)
        indexer = indexer_of(
            engines,
            progress,
            workers=workers,
            aside=started(aside),
            sizes=Sizes(batches=(15, 30), split=5, words=20, embedded=40, named=20),
        )
        indexer.run(Reading([news], FieldMap()))


def app_over(
    engines: Engines, *, writes: Writes | None = None, access: Access = NO_ACCESS, **options
) -> Flask:
    """The application over engines that are open; the options are those of the ranking."""
    searcher = Searcher(engines, RankingOptions(**options))
    return create_app(searcher, ArchiveReader(engines.catalog), writes=writes, access=access)


TOKEN = "only-for-the-tests"
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def writes_to(engines: Engines, most: int = 1 << 20) -> Writes:
    """Writes over HTTP to an archive, with a token that the tests know."""
    return Writes(engines.catalog.inbox, TOKEN, most)


def app_in(folder: Path, access: Access = NO_ACCESS) -> Flask:
    """The application over an archive that was indexed with the bundled model."""
    settings = Settings(archive=folder)
    engines = open_engines(settings)
    reader = ArchiveReader(engines.catalog)
    return create_app(searcher_over(engines, settings), reader, access=access)


DAMAGES = ("flip", "cut", "empty", "zero", "noise", "delete")


def damage(path: Path, kind: str, at: float = 0.5) -> None:
    """Damage a file, at a share of its length; it is no longer linked to any other file."""
    content = bytearray(path.read_bytes())
    place = min(int(at * len(content)), len(content) - 1)
    path.unlink()
    match kind:
        case "flip":
            content[place] ^= 0x10
        case "cut":
            del content[place:]
        case "empty":
            content.clear()
        case "zero":
            content[:] = bytes(len(content))
        case "noise":
            content[:] = random.Random(len(content)).randbytes(len(content))
    if kind != "delete":
        path.write_bytes(content)


def unseal(folder: Path) -> Path:
    """Make a lexical index as it was before its files had seals; return its table of contents."""
    storage = IndexFolder(str(folder))
    contents = TOC.read(storage, INDEX_NAME, schema=schema())
    for segment in contents.segments:
        del segment.seals
    path = folder / TOC._filename(INDEX_NAME, contents.generation)
    path.unlink()
    contents.write(storage, INDEX_NAME)
    path.write_bytes(path.read_bytes()[: -len(MARK) - DIGEST])
    return path


class PreparedArchive:
    """An archive that is made once, and copied for each test that may change it."""

    def __init__(self, folder: Path, articles: Path, *, in_memory: bool) -> None:
        self._folder = folder
        self._in_memory = in_memory
        self._made = engines_in(folder, in_memory=in_memory)
        fill(self._made, articles)
        self._made.catalog.close()

    def copy(self, folder: Path) -> Engines:
        """Copy it into a folder that is not there yet, and open it."""
        shutil.copytree(self._folder, folder)
        engines = engines_in(folder, in_memory=self._in_memory)
        if not self._in_memory:
            return engines
        engines.neighbours.seal(self._made.neighbours.rows())
        return replace(engines, lexical=deepcopy(self._made.lexical))


FAMILIES = ("engines", "memory")


def prepared_in_both(folder: Path, stories=STORIES) -> dict[str, PreparedArchive]:
    """Prepare the same archive with the real engines and with the fakes."""
    articles = write_stories(folder, stories)
    return {
        family: PreparedArchive(folder / family, articles, in_memory=family == "memory")
        for family in FAMILIES
    }


def everything(searcher: Searcher, query: Query):
    """The last page of an answer, and the hits of all its pages."""
    hits, cursor = [], None
    while True:
        results = searcher.search(replace(query, limit=2, cursor=cursor))
        hits += results.hits
        cursor = results.next
        if cursor is None:
            return results, hits


def backfile(*arguments, **environment):
    """Run the command in this process, as from a shell whose stderr is no terminal."""
    return CliRunner().invoke(main, [str(a) for a in arguments], env=environment or None)


def one_line_error(result) -> str:
    """The message of a command that failed, which is one line and all that was printed."""
    assert result.exit_code == 2
    assert result.stdout == ""
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1
    return lines[0]


def tiny_cross_encoder(folder: Path, labels: int = 1) -> str:
    """A CrossEncoder of random weights, with the words of the bundled model."""
    import torch
    from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

    torch.manual_seed(7)
    tokenizer = AutoTokenizer.from_pretrained(str(find_model(DEFAULT_MODEL)))
    config = BertConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_hidden_layers=1, num_attention_heads=2,
        intermediate_size=32, num_labels=labels,
    )  # fmt: skip
    BertForSequenceClassification(config).save_pretrained(str(folder))
    tokenizer.save_pretrained(str(folder))
    return str(folder)


def paper_model(folder: Path, *, dimension: int = 32, window: int = 64) -> str:
    """A model of a configuration and the words of the bundled one: a fake embeds in its place."""
    folder.mkdir()
    shutil.copy(find_model(DEFAULT_MODEL) / "tokenizer.json", folder)
    (folder / "config.json").write_text(json.dumps({"hidden_size": dimension}))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": window}))
    (folder / "model.safetensors").write_bytes(b"no weights")
    return str(folder)


FOREIGN = [
    {  # umlauts, ß, a plural, a verb in another form
        "id": "de-bridge",
        "title": "Neue Brücken über den Mühlbach",
        "text": "Der Stadtrat hat zwei neue Brücken über den Mühlbach beschlossen. Fußgänger sollen"
        " von der Hauptstraße aus schneller zum Bahnhof kommen. Die Häuser am Ufer bleiben stehen.",
    },
    {  # elisions, a feminine plural
        "id": "fr-strike",
        "title": "Les écoles fermées jusqu'à jeudi",
        "text": "À cause d'une fuite d'eau, trois écoles du quartier resteront fermées jusqu'à "
        "jeudi. L'eau potable est distribuée à l'hôtel de ville par des bénévoles.",
    },
    {
        "id": "es-fishers",
        "title": "Los pescadores vuelven al mar",
        "text": "Los pescadores de la bahía volvieron al mar después de nueve semanas sin faenar. "
        "Las canciones de los marineros se oyeron otra vez en el puerto viejo.",
    },
    {  # no spaces; katakana, kanji and hiragana
        "id": "ja-bridge",
        "title": "港の旋回橋が再開",
        "text": "港の旋回橋は修理を終え、月曜日に通行を再開した。歩行者は朝六時から橋を渡った。"
        "フェリーの時刻表は来月まで変わらない。",
    },
    {
        "id": "zh-bridge",
        "title": "港口大桥重新开放",
        "text": "经过四个月的维修，港口大桥星期一重新向行人开放。渡轮时刻表下个月以前不变。",
    },
    {
        "id": "ru-bridge",
        "title": "Мосты закрыты до весны",
        "text": "Оба городских моста закрыты до весны из-за ремонта опор. "
        "Жители добираются на другой берег реки на пароме.",
    },
    {
        "id": "ar-harbour",
        "title": "إعادة فتح الميناء القديم",
        "text": "أعلنت البلدية إعادة فتح الميناء القديم أمام الصيادين بعد تسعة أسابيع من "
        "الإصلاحات. وقال العمدة إن المدينة ستحتفل يوم الجمعة.",
    },
    {
        "id": "ko-bridge",
        "title": "항구 다리 다시 개통",
        "text": "항구의 다리가 넉 달 만에 다시 개통되었다. 시민들은 월요일 아침부터 다리를 건넜다.",
    },
    {  # English, so that no other language takes its words over
        "id": "en-bridge",
        "title": "Swing bridge opens again",
        "text": "The swing bridge in the harbour opened again on Monday after repairs that took "
        "all of four months. Houses on the bank had been cut off.",
    },
]


NEWS_WORDS = [
    "harbour", "ferry", "bridge", "council", "strike", "storm", "museum", "budget", "school",
    "rain", "vote", "court",
]  # fmt: skip
PEOPLE = ["Ana Ruiz", "Marian Holt", "Gil Pomfret"]


def write_news(path: Path, articles: int = 120) -> Path:
    choose = random.Random(7)
    with path.open("w") as stream:
        sentences: list[str] = []
        for n in range(articles):
            if n % 10 != 9:  # else it is a copy of the one before
                sentences = [
                    " ".join(choose.choices(NEWS_WORDS, k=9)).capitalize() + "."
                    for _ in range(choose.randint(6, 14))
                ]
                said = " ".join(choose.choices(NEWS_WORDS, k=6)).capitalize()
                sentences.append(f"{said}, said {choose.choice(PEOPLE)}.")  # else it recurs
            day = f"202{choose.randint(0, 4)}-0{choose.randint(1, 9)}-1{choose.randint(0, 9)}"
            record = {"id": f"a{n}", "title": f"{choose.choice(NEWS_WORDS)} {n}", "published": day}
            record |= {"language": "en", "text": " ".join(sentences)}
            stream.write(json.dumps(record) + "\n")
    return path


def seen(folder: Path) -> dict[str, Any]:
    """All that a reader can tell of an archive."""
    engines = engines_in(folder, in_memory=False)
    assert [str(problem) for problem in verify(engines)] == []
    searcher = Searcher(engines, RankingOptions())
    found: dict[str, Any] = {"counts": engines.catalog.counts()}
    found["names"] = engines.catalog.names.table()
    for stored in engines.catalog.stored(engines.catalog.rows_after(0).tolist()):
        found[stored.passage.id] = (stored.article, stored.passage)
        copies = engines.catalog.clusters.copies_of(stored.article.id)
        found[f"copies of {stored.article.id}"] = copies
    for mode in Mode:
        for text in ("ferry strike", "museum budget vote", '"school rain"', "court"):
            results = searcher.search(Query(text, mode=mode, limit=50))
            ranking = [(hit.article.id, round(hit.score, 5)) for hit in results.hits]
            found[f"{mode} {text}"] = (results.totals, ranking)
    engines.catalog.close()
    return found


INVENTED_WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "ckmnrstx"]


def invented_text(seed, words=260):
    """A text of random sentences, with some numbers in it."""
    choose = random.Random(seed)
    said = [
        choose.choice(INVENTED_WORDS) if choose.random() > 0.05 else str(choose.randint(10, 9_999))
        for _ in range(words)
    ]
    sentences = [" ".join(said[i : i + 13]).capitalize() + "." for i in range(0, words, 13)]
    return "\n\n".join(" ".join(sentences[i : i + 4]) for i in range(0, len(sentences), 4))


def write_records(path, records):
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    return path


def wire_story(n=5):
    """A story of n outlets, the latest first, and one that nobody else has."""
    text = invented_text("wire")
    told = [
        {"id": f"w{i}", "title": "Wire", "source": f"Outlet {i}", "text": f"{text} Said {i}.",
         "published": f"2024-05-{28 - i:02d}"}
        for i in range(n)
    ]  # fmt: skip
    return [
        *told,
        {"id": "own", "title": "Own", "text": invented_text("own"), "published": "2024-05-01"},
    ]


JUDGED_QUERIES = {"f": "night ferry", "b": "swing bridge cracks", "l": "lighthouse keeper"}
JUDGED_ANSWERS = {"f": "ferry", "b": "bridge", "l": "undated"}


def write_judged(folder, queries=JUDGED_QUERIES, answers=JUDGED_ANSWERS):
    """A folder of judged queries over the seven stories."""
    folder.mkdir(parents=True)
    write_stories(folder, STORIES).rename(folder / "articles.jsonl")
    (folder / "queries.tsv").write_text("".join(f"{q}\t{t}\n" for q, t in queries.items()))
    (folder / "qrels.txt").write_text("".join(f"{q} 0 {a} 1\n" for q, a in answers.items()))
    return folder


TEXTS = ["the swing bridge is shut", "bridge the swing", "a ferry runs", "ferry ferry bridge"]


def entries(start=1, texts=TEXTS):
    return [LexicalEntry(row, f"title {row}", text) for row, text in enumerate(texts, start)]


def table(n_rows, per_article=1):
    """Articles of so many passages each, rows from 1."""
    article_of = np.full(n_rows + 1, -1, np.int32)
    article_of[1:] = np.arange(n_rows) // per_article
    none = Category.of([()] * (int(article_of.max()) + 1))
    days = np.ones(int(article_of.max()) + 1, np.int32)
    return ArticleTable(
        1, article_of, article_of >= 0, days, days, -days, -days, *[none] * 7, days, days
    )


SEARCHES = [
    "q=ferry",
    "q=swing+bridge&mode=keyword",
    "q=keeper&mode=semantic",
    "q=harbour&source=Gazette",
    "q=ferry&since=2024&sort=oldest",
    "q=zxqv",
    "",
    "language=de",
    "limit=2&cursor=g1o2",
]


def timeline_of(table, article_mask, copies=Copies.SHOW):
    """The timeline of some articles of an archive that is not divided."""
    placed = result_of(placed_in_periods(table, article_mask, copies, Crossing.none(table)))
    return merged_timeline([placed.part(article_mask)])


def span_of(table, article_mask):
    """The first and the last date of some articles."""
    return result_of(span(table, article_mask))


def visible_text(page):
    return html.unescape(re.sub(r"<[^>]+>", "", page))


def pdf(*pages, title=""):
    """Pages of (x, y, size, text), in points from the lower left corner."""
    import pypdfium2
    from pypdfium2 import raw

    document = pypdfium2.PdfDocument.new()
    font = raw.FPDFText_LoadStandardFont(document.raw, b"Helvetica")
    for pieces in pages:
        page = document.new_page(595, 842)
        for x, y, size, text in pieces:
            piece = raw.FPDFPageObj_CreateTextObj(document.raw, font, size)
            wide = (text + "\0").encode("utf-16-le")
            written = ctypes.cast(ctypes.c_char_p(wide), raw.FPDF_WIDESTRING)
            raw.FPDFText_SetText(piece, written)
            raw.FPDFPageObj_Transform(piece, 1, 0, 0, 1, x, y)
            raw.FPDFPage_InsertObject(page.raw, piece)
        raw.FPDFPage_GenerateContent(page.raw)
    made = io.BytesIO()
    document.save(made)
    return made.getvalue()


def pdf_lines(x, y, *texts, size=10):
    return [(x, y - 12 * n, size, text) for n, text in enumerate(texts)]


PDF_PAGE = [
    (60, 780, 24, "Night ferry ends"),
    *pdf_lines(
        60, 740, "The night ferry across the Ash", "stops in May, the board has de-", "cided."
    ),
    *pdf_lines(320, 740, "Commuters were told by letter.", "Many work in the dockyards."),
]


def zipped(*members, method=ZIP_DEFLATED):
    made = io.BytesIO()
    with ZipFile(made, "w", method) as opened, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that are there twice
        for name, content in members:
            opened.writestr(name, content)
    return made.getvalue()


def warc(*records, compressed=True, dates=()):
    """Responses as (address, status, headers, body)."""
    made = io.BytesIO()
    writer = WARCWriter(made, gzip=compressed)
    for n, (address, status, headers, body) in enumerate(records):
        http = StatusAndHeaders(status, headers, protocol="HTTP/1.1")
        said = {"WARC-Date": dates[n]} if dates else None
        record = writer.create_warc_record(
            address, "response", io.BytesIO(body), http_headers=http, warc_headers_dict=said
        )
        writer.write_record(record)
        record.raw_stream.close()
    return made.getvalue()


def web_response(address, body, kind="text/html", status="200 OK"):
    return address, status, [("Content-Type", kind)], body


RSS = """<?xml version="1.0" encoding="{encoding}"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/"
  xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Coastal Courier</title>
<language>en-GB</language><link>https://courier.example/</link>{items}</channel></rss>"""


FERRY_ITEM = """<item><title>Night ferry &amp;amp; letters</title><guid>cc-7</guid>
<link>https://courier.example/ferry</link><pubDate>Sat, 23 Mar 2024 23:40:00 -0500</pubDate>
<dc:creator>Ana Ruiz</dc:creator><category>Transport</category><description>Short.</description>
<content:encoded><![CDATA[<p>The night ferry stops in <b>May</b>.</p><script>x()</script>
<p>Commuters were told<br>by letter.</p>]]></content:encoded></item>"""


def rss(*items, encoding="utf-8"):
    return RSS.format(items="".join(items), encoding=encoding)


PARAGRAPHS = [
    "The night ferry across the Ash stops in May, the harbour board has decided by five to four.",
    "Commuters were told by letter. Many of them work in the dockyards and have no other way home.",
    "The board says that each crossing after ten in the evening costs it four hundred crowns.",
]


PAGE_BODY = "".join(f"<p>{each}</p>" for each in PARAGRAPHS)


def web_page(head="", body=PAGE_BODY, lang="en"):
    return f"""<!DOCTYPE html><html lang="{lang}"><head><title>Ferry - Coastal Courier</title>{head}
    </head><body><nav><a href="/">Home</a> <a href="/sport">Sport</a></nav><article>{body}</article>
    <aside><a href="/1">Read this too</a></aside><footer>All rights reserved.</footer>
    </body></html>"""


G2_XHTML = """<inlineXML contenttype="application/xhtml+xml"><html xmlns="http://www.w3.org/1999/xhtml">
<head><title>Ferry</title></head><body><header><p>Transport</p><h1>Night ferry stops</h1></header>
<h2>The vote</h2><p>The ferry <b>stops</b> in May.</p><figure><figcaption>A boat</figcaption>
</figure><p>Commuters were told<br/>by letter.</p></body></html></inlineXML>"""


G2 = """<?xml version="1.0" encoding="UTF-8"?>
<newsItem xmlns="http://iptc.org/std/nar/2006-10-01/" guid="urn:newsml:cc.example:2024:7"
 version="{version}" standard="NewsML-G2" conformance="power" xml:lang="en-GB">
<catalogRef href="http://www.iptc.org/std/catalog/catalog.IPTC-G2-Standards_35.xml"/>
<itemMeta><itemClass qcode="ninat:{kind}"/><provider qcode="nprov:CC"><name>Coastal Courier</name>
</provider><versionCreated>2024-03-24T09:00:00-05:00</versionCreated>
<firstCreated>2024-03-23T23:40:00-05:00</firstCreated>{status}</itemMeta>
<contentMeta><by>By Ana Ruiz and José Núñez, Staff Writers</by>
<dateline>ASHFORD, March 23</dateline>
<subject type="cpnat:geoArea" qcode="x:1"><name>Ashford</name></subject>
<subject qcode="medtop:20000763"><name xml:lang="de">Verkehr</name><name>transport</name></subject>
<headline role="hld:sub">A sub-headline</headline>
<headline role="hld:main">Night ferry stops</headline>
<description role="drol:caption">A boat on the Ash.</description>
<language tag="en-GB"/></contentMeta>
<contentSet>{content}</contentSet></newsItem>"""


def g2(content=G2_XHTML, version="3", status='<pubStatus qcode="stat:usable"/>', kind="text"):
    return G2.format(content=content, version=version, status=status, kind=kind)


NEWSML1 = """<?xml version="1.0"?><!DOCTYPE NewsML SYSTEM "NewsML_1.2.dtd"><NewsML Version="1.2">
<NewsEnvelope><SentFrom><Party FormalName="Coastal Courier"/></SentFrom>
<DateAndTime>20240324T000000Z</DateAndTime></NewsEnvelope>
<NewsItem><Identification><NewsIdentifier><ProviderId>cc.example</ProviderId><DateId>20240323</DateId>
<NewsItemId>ferry</NewsItemId><RevisionId PreviousRevision="1" Update="N">2</RevisionId>
<PublicIdentifier>urn:newsml:cc.example:20240323:ferry:2</PublicIdentifier></NewsIdentifier>
</Identification><NewsManagement><NewsItemType FormalName="News"/>
<FirstCreated>20240323T234000-0500</FirstCreated>
<ThisRevisionCreated>20240324T090000-0500</ThisRevisionCreated>{status}</NewsManagement>
<NewsComponent>{components}</NewsComponent></NewsItem></NewsML>"""


NEWSML1_STORY = """<NewsComponent>
<NewsLines><HeadLine>{title}</HeadLine><ByLine>By Ana Ruiz</ByLine>
<DateLine>Ashford</DateLine></NewsLines><DescriptiveMetadata><Language FormalName="{language}"/>
<SubjectCode><Subject FormalName="15000000"/></SubjectCode></DescriptiveMetadata>
<NewsComponent><Role FormalName="Caption"/><ContentItem><DataContent>A boat</DataContent>
</ContentItem></NewsComponent><NewsComponent><Role FormalName="Main"/>
<ContentItem><MimeType FormalName="text/css"/><DataContent>p {{}}</DataContent></ContentItem>
<ContentItem><Format FormalName="NITF"/><DataContent><nitf><body><body.content><p>{text}</p>
<p>In May.</p></body.content></body></nitf></DataContent></ContentItem>
<ContentItem><MimeType FormalName="text/plain"/><DataContent>{text} In May.</DataContent>
</ContentItem></NewsComponent></NewsComponent>"""


NEWSML1_ENGLISH = NEWSML1_STORY.format(title="Ferry stops", language="en", text="The ferry stops.")


NEWSML1_USABLE = '<Status FormalName="Usable"/>'


def newsml1(*components, status=NEWSML1_USABLE):
    return NEWSML1.format(components="".join(components), status=status)


NINJS = {
    "uri": "https://cc.example/7",
    "type": "text",
    "version": "3",
    "firstcreated": "2024-03-23T23:40:00-05:00",
    "versioncreated": "2024-03-24T09:00:00-05:00",
    "pubstatus": "usable",
    "language": "en-GB",
    "headline": "Night ferry stops",
    "byline": "By Ana Ruiz and José Núñez",
    "slugline": "ferry-vote",
    "subject": [
        {"name": "Ashford"},
        {"name": "transport", "scheme": "http://cv.iptc.org/newscodes/mediatopic/"},
    ],
    "infosource": [{"name": "Coastal Courier"}],
    "copyrightholder": "Nobody",
    "body_text": "The ferry stops. In May.",
    "body_xhtml": "<p>The ferry stops.</p><p>In May.</p>",
    "associations": {"photo": {"uri": "x", "type": "picture", "headline": "A boat"}},
}


NITF = """<?xml version="1.0" encoding="{encoding}"?>
<!DOCTYPE nitf SYSTEM "nitf-3-2.dtd"><nitf version="-//IPTC//DTD NITF 3.2//EN"><head>
<title>Not this</title>{meta}
<tobject><tobject.subject tobject.subject.refnum="11000000"/></tobject>
<docdata{status}><doc-id id-string="cc-7" regsrc="CC"/><du-key key="ferry" version="2"/>
<urgency ed-urg="4"/><date.issue norm="20240323T234000-0500"/>{release}
<date.expire norm="20240401"/><ed-msg info="Not for print"/>
<doc.copyright holder="Coastal Courier" year="2024"/></docdata></head>
<body><body.head><hedline><hl1>Night ferry stops</hl1><hl2>Board votes 5-4</hl2></hedline>
<note><body.content><p>For editors</p></body.content></note>{bylines}
<dateline><location>ASHFORD</location>, <story.date norm="20240323">March 23</story.date></dateline>
<abstract><p>The lead again.</p></abstract></body.head>
<body.content>{content}</body.content><body.end><tagline>rc</tagline></body.end></body></nitf>"""


NITF_BYLINE = "<byline>By Ana Ruiz and José Núñez<byttl>CC Staff</byttl></byline>"


NITF_CONTENT = """<p>The ferry stops in <chron>May</chron>.</p><hl2>The vote</hl2>
<media media-type="image"><media-caption>A boat</media-caption></media>
<p>It was five to four.</p><ul><li>Ash</li><li>Elm</li></ul>
<table><tr><td>Yes</td><td>5</td></tr><tr><td>No</td><td>4</td></tr></table>
<pre>a  1
b  2</pre>"""


def nitf(
    content=NITF_CONTENT, bylines=NITF_BYLINE, meta="", status="", release="", encoding="utf-8"
):
    return NITF.format(
        content=content,
        bylines=bylines,
        meta=meta,
        status=status,
        release=release,
        encoding=encoding,
    )


DPA = (
    "\x01ecp0007 4 sp 850  cc-tns 0908\r\n\r\nFerry/Harbour/\r\n\x02REFILE\r\n1ST LEAD\r\n"
    "Board ends the night ferry: A long headline that\r\ngoes on here\r\n"
    "By Ana Ruiz, The Coastal Courier =\r\n\r\nAshford (cc) - The night ferry across the Ash\r\n"
    "stops in May.\r\n\r\nIt is “final”.\r\n\r\n"
    "Name      Goals   Points\r\nAnn          1       22\r\n"
    "Bob          2       33\r\n\r\n* * * *\r\nThe following information is not intended for "
    "publication\r\n\r\nTel: 1234\r\n\x03\r\n232340 GMT Mar 24\r\n"
)


AFP = (
    "\x01cca0012 3 pol 120 cc 0012\r\n\x02Une manchette\r\n    ASHFORD, 3 jan (CC) - Un été\r\n"
    "chaud.\r\n    Deux.\r\n030112 MEZ jan 05\r\n\x03"
)


ANPA = (
    "\x16\x16\x01z6715\x1f-----\r\nr s\x13\x11BC-CRT--Ferry-Vote 1stLd   03-23 0500\r\n"
    "\x02^BC-CRT--Ferry-Vote, 1st Ld,416<\r\n^Board ends the night ferry 5-4<\r\n"
    "^AP Photo GATK105<\r\n^Eds: Updates. With photos.<\r\n"
    "^By CHARLES ROE=\r\n^CC Sports Writer=\r\n"
    "\t   ASHFORD (CC) _ The ferry stops ``for good,'' the board said _ at\r\nlast.\r\n"
    "\t   In May.\r\n\t   ___\r\n\x03\r\n\t   CC-WF-03-23-16 0337GMT<\r\n\x04"
)
