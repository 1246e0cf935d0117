"""Tests of documents: PDF, Word, OpenDocument, RTF and e-books."""

from datetime import date

import pytest

from backfile.archive.formats.documents.page_layout import Line, in_reading_order, joined
from backfile.archive.formats.fields import FieldMap, PdfReading
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import Lots, Reading, read_file
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.archive.pools import CountingPool, told
from tests.builders import PDF_PAGE, pdf, pdf_lines, zipped

FIRST = "The night ferry across the Ash stops in May, the board has decided."
SECOND = "Commuters were told by letter. Many work in the dockyards."
TEXT = f"{FIRST}\n\n{SECOND}"
WORD = """<?xml version="1.0" encoding="UTF-8"?>
<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"><w:body>
<w:p><w:pPr><w:pStyle w:val="Heading1"/></w:pPr><w:r><w:t>Night ferry </w:t></w:r>
<w:r><w:t>ends</w:t></w:r></w:p>
<w:p><w:r><w:t xml:space="preserve">The night ferry across the Ash </w:t></w:r>
<w:del><w:r><w:delText>starts</w:delText></w:r></w:del>
<w:ins><w:r><w:t>stops in May, the board has decided.</w:t></w:r></w:ins></w:p>
<w:tbl><w:tr><w:tc><w:p><w:r><w:instrText>PDF_PAGE</w:instrText></w:r>
<w:r><w:t>{second}</w:t></w:r></w:p></w:tc></w:tr></w:tbl>
</w:body></w:document>"""
OPEN_DOCUMENT = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"><office:body><office:text>
<text:tracked-changes><text:p>Not this.</text:p></text:tracked-changes>
<text:h text:outline-level="1">Night ferry ends</text:h>
<text:p>The night<text:s/>ferry <text:span>across</text:span> the Ash stops in May, the board has
decided.<office:annotation><text:p>Really?</text:p></office:annotation></text:p>
<text:p>{second}</text:p></office:text></office:body></office:document-content>"""
CONTAINER = """<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>
<rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles>
</container>"""
PACKAGE = """<package xmlns="http://www.idpf.org/2007/opf" version="3.0">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>Coastal Courier</dc:title>
<dc:creator>Ana Ruiz</dc:creator><dc:date>2024-03-23</dc:date><dc:language>en</dc:language>
</metadata><manifest><item id="n" href="nav.xhtml" properties="nav"/>
<item id="c" href="cover.xhtml"/>
<item id="a" href="a%201.xhtml"/><item id="b" href="b.xhtml"/></manifest>
<spine><itemref idref="n"/><itemref idref="c"/><itemref idref="a"/><itemref idref="b"/></spine>
</package>"""
CHAPTER = "<html><head><title>x</title></head><body><h1>{}</h1><p>{}</p><p>{}</p></body></html>"
RTF = (
    r"{\rtf1\ansi\ansicpg1252{\fonttbl{\f0 Times;}}\f0 Night ferry ends\par\par "
    + FIRST
    + r"\par Commuters were told by letter. Many work in the dockyards. "
    + r"Caf\'e9 \u8222?Rose\ldblquote .\par}"
)


WORD_FILE, OPEN_FILE = WORD.format(second=SECOND), OPEN_DOCUMENT.format(second=SECOND)


def docx(document=WORD_FILE):
    return zipped(("[Content_Types].xml", b"<Types/>"), ("word/document.xml", document.encode()))


def odt(content=OPEN_FILE, kind="text"):
    mime = f"application/vnd.oasis.opendocument.{kind}".encode()
    return zipped(("mimetype", mime), ("content.xml", content.encode()))


def epub(*chapters, package=PACKAGE):
    return zipped(
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.encode()),
        ("OEBPS/book.opf", package.encode()),
        ("OEBPS/nav.xhtml", CHAPTER.format("Contents", FIRST, SECOND).encode()),
        ("OEBPS/cover.xhtml", b"<html><body><img src='a.jpg'/></body></html>"),
        *(
            chapters
            or (("OEBPS/a 1.xhtml", CHAPTER.format("Night ferry ends", FIRST, SECOND).encode()),)
        ),
        ("OEBPS/b.xhtml", CHAPTER.format("Letters", SECOND, FIRST).encode()),
    )


@pytest.fixture
def read(tmp_path):
    def read_all(content, name):
        path = tmp_path / name
        path.write_bytes(content)
        return list(read_file(SourceFile.at(path, f"in/{name}"), FieldMap()))

    return read_all


@pytest.mark.parametrize(
    ("name", "content"), [("a.docx", docx()), ("a.odt", odt()), ("a", docx()), ("a.zip", odt())]
)
def test_a_document_is_an_article_with_its_heading_as_the_title(read, name, content):
    (article,) = read(content, name)
    assert isinstance(article, Article), article
    assert (article.title, " ".join(article.text.split(" "))) == ("Night ferry ends", TEXT)


def test_documents_are_made_by_processes_as_by_one(tmp_path):
    (tmp_path / "book.epub").write_bytes(epub())
    (tmp_path / "2024-03-23.docx").write_bytes(docx())
    (tmp_path / "a.pdf").write_bytes(pdf(PDF_PAGE, title="Courier"))
    (tmp_path / "clippings.zip").write_bytes(zipped(("in/a.pdf", pdf(PDF_PAGE, PDF_PAGE))))
    (tmp_path / "damaged.epub").write_bytes(epub(("OEBPS/other.xhtml", b"")))
    names = FieldMap(pdf=PdfReading(clippings=True))
    alone = list(map(told, Reading([tmp_path], names)))
    pool = CountingPool()
    assert list(map(told, Reading([tmp_path], names, pool=pool, lots=Lots(carried=99)))) == alone
    assert {kind for kind, _ in pool.calls} == {"_made_all"}
    assert sum(isinstance(each, Article) for each in alone) >= 6


def test_a_document_has_the_day_of_its_name(read):
    (article,) = read(docx(), "2024-03-23-ferry.docx")
    assert article.published == date(2024, 3, 23)


def test_a_document_within_a_zip_is_read_there(read):
    (article,) = read(zipped(("in/a.docx", docx())), "news.zip")
    assert article.title == "Night ferry ends"
    assert article.origin.file.endswith("news.zip!/in/a.docx")


def test_each_chapter_of_a_book_is_an_article(read):
    first, second = read(epub(), "a.epub")
    assert (first.title, first.text) == ("Night ferry ends", TEXT)
    assert (first.source, first.authors) == ("Coastal Courier", ("Ana Ruiz",))
    assert (first.published, first.language) == (date(2024, 3, 23), "en")
    assert (second.title, second.origin.offset) == ("Letters", 2)


@pytest.mark.parametrize("name", ["a.docx", "a.odt"])
def test_what_stands_behind_a_text_box_in_its_paragraph_is_read(read, name):
    if name == "a.docx":
        box = "<r><drawing><txbxContent><p><r><t>Caption.</t></r></p></txbxContent></drawing></r>"
        content = docx(f"<document><p>{box}<r><t>{FIRST}</t></r></p></document>")
    else:
        box = "<frame><text-box> <p>Caption.</p> </text-box></frame>"
        content = odt(f"<body><p>{box}{FIRST}</p></body>")
    (article,) = read(content, name)
    assert (article.title, article.text) == (FIRST, "Caption.")


def test_a_hyphen_of_word_that_does_not_break_is_one_and_moved_text_stands_once(read):
    moved = "<{0}><r><t>The ferry is non</t><noBreakHyphen/><t>stop.</t></r></{0}>"
    paragraphs = f"<p>{moved.format('moveFrom')}</p><p>{moved.format('moveTo')}</p>"
    (article,) = read(docx(f"<document>{paragraphs}</document>"), "a.docx")
    assert article.text == "The ferry is non-stop."


def test_a_chapter_of_a_book_that_cannot_be_read_does_not_end_it(read):
    refused, article = read(epub(("OEBPS/other.xhtml", b"")), "a.epub")
    assert "a chapter of the book cannot be read" in refused.reason
    assert "a 1.xhtml" in refused.reason
    assert (article.title, article.origin.offset) == ("Letters", 1)


def test_a_book_may_point_into_its_chapters(read):
    package = PACKAGE.replace('href="b.xhtml"', 'href="b.xhtml#start"')
    assert [each.title for each in read(epub(package=package), "a.epub")] == [
        "Night ferry ends",
        "Letters",
    ]


@pytest.mark.parametrize(
    ("above", "text"), [("3", TEXT), ("<div>III</div>", f"III\n\n{TEXT}"), ("", TEXT)]
)
def test_a_chapter_has_its_heading_as_the_title_whatever_stands_above(read, above, text):
    chapter = CHAPTER.format("Chapter three", FIRST, SECOND).replace("<h1>", f"<p>{above}</p><h1>")
    article, _ = read(epub(("OEBPS/a 1.xhtml", chapter.encode())), "a.epub")
    assert (article.title, article.text) == ("Chapter three", text)


def test_rtf_is_read_as_text(read):
    (article,) = read(RTF.encode(), "a.rtf")
    assert article.title == "Night ferry ends"
    assert article.text == f"{TEXT} Café „Rose“."


def test_an_export_of_a_database_is_one_in_any_document(read):
    lines = ["1 of 1 DOCUMENTS", "", "Courier", "", "March 23, 2024", "", "Ferry", ""]
    lines += ["LENGTH: 9 words", "", "BODY:", FIRST]
    export = "{\\rtf1 " + "\\par ".join(lines) + "}"
    (article,) = read(export.encode(), "a.rtf")
    assert (article.title, article.source, article.text) == ("Ferry", "Courier", FIRST)


def test_a_headline_of_an_export_in_a_document_stays_with_it(read):
    style = '<pPr><pStyle val="Heading1"/></pPr>'
    lines = ["Ferry ends", "Courier", "March 23, 2024", "Length: 9 words", "Body", FIRST]
    lines += ["End of Document", "Bridge closes", "Courier", "March 24, 2024", "Length: 9 words"]
    lines += ["Body", SECOND, "End of Document"]
    heads = ("Ferry ends", "Bridge closes")
    paragraphs = (f"<p>{style * (n in heads)}<r><t>{n}</t></r></p>" for n in lines)
    found = read(docx(f"<document>{''.join(paragraphs)}</document>"), "a.docx")
    assert [each.title for each in found] == ["Ferry ends", "Bridge closes"]
    assert [each.source for each in found] == ["Courier", "Courier"]


def test_of_two_stories_on_a_page_the_first_headline_is_the_title(read):
    page = [
        (60, 780, 20, "Night ferry ends"),
        *pdf_lines(60, 750, FIRST, SECOND, FIRST),
        (60, 650, 20, "Bridge closes"),
        *pdf_lines(60, 620, SECOND, FIRST, SECOND),
    ]
    (article,) = read(pdf(page), "a.pdf")
    assert article.title == "Night ferry ends"
    assert "Bridge closes" in article.text
    assert "Night ferry ends" not in article.text


def test_a_pdf_is_read_column_by_column_and_its_hyphens_are_mended(read):
    (article,) = read(pdf(PDF_PAGE), "a.pdf")
    assert article.title == "Night ferry ends"
    assert article.text == TEXT


def test_running_heads_and_numbers_of_pages_are_left_out(read):
    pages = [
        [
            (60, 810, 8, f"Coastal Courier, {n} March 2024"),
            *pdf_lines(
                60, 700, f"Story {n} begins here.", f"It goes on for {n} lines, and then ends."
            ),
            (300, 30, 8, str(n)),
        ]
        for n in range(1, 5)
    ]
    (article,) = read(pdf(*pages), "a.pdf")
    assert "Coastal Courier" not in article.text
    whole = article.title + article.text
    assert [f"Story {n}" in whole for n in range(1, 5)] == [True] * 4
    assert not any(line.isdecimal() for line in article.text.splitlines())


def test_a_scan_is_refused_with_what_to_do(read):
    (refused,) = read(pdf([]), "a.pdf")
    assert refused.reason == (
        "no text layer (a scan); `--ocr` recognises it with tesseract, or make one with `ocrmypdf`"
    )
    article, refused = sorted(read(pdf(PDF_PAGE, []), "a.pdf"), key=lambda each: str(type(each)))
    assert isinstance(article, Article)
    assert refused.reason.startswith("page 2 has no text layer")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", pdf(PDF_PAGE)),
        ("a.docx", docx()),
        ("a.odt", odt()),
        ("a.epub", epub()),
        ("a.rtf", RTF.encode()),
    ],
)
def test_a_document_that_is_cut_or_damaged_is_read_or_refused(read, name, content):
    for at in range(8, len(content), len(content) // 5):
        assert read(content[:at], name)
        assert read(content[:at] + b"\xff\x00<" * 9 + content[at + 27 :], name)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (odt(kind="spreadsheet"), "a document without running text; convert it to text"),
        (zipped(("[Content_Types].xml", b"<Types/>"), ("xl/a.xml", b"<x/>")),
         "an office document of a kind that is not read; convert it"),
        (docx("<w:document xmlns:w='x'><w:p>"), "not well-formed XML"),
        (docx("<!DOCTYPE a [<!ENTITY b 'c'>]><document><p><r><t>&b;</t></r></p></document>"),
         "an entity of its own (&b;), which is not looked up"),
        (docx(f"<document><p><r><t>{'x' * (33 << 20)}</t></r></p></document>"),
         "longer than 32 MiB in it (word/document.xml)"),
        (docx("<document/>"), "no text and no title in it"),
    ],
)  # fmt: skip
def test_a_document_that_cannot_be_read_is_refused_with_its_reason(read, content, reason):
    (refused,) = read(content, "a.docx")
    assert isinstance(refused, UnreadableArticle)
    assert refused.reason.startswith(reason)


def test_a_document_inside_of_another_one_ends_somewhere(read):
    nested = "<p>" * 300 + "<r><t>Rain</t></r>" + "</p>" * 300
    (found,) = read(docx(f"<document>{nested}</document>"), "a.docx")
    assert isinstance(found, Article | UnreadableArticle)


def test_paragraphs_begin_at_indents_and_at_larger_distances():
    def line(y, text, x=50.0, right=250.0):
        return Line(x, y, right, y + 10, text)

    ordered = in_reading_order(
        [line(100, "One begins,"), line(88, "and ends.", right=120), line(76, "Two begins", x=62),
         line(64, "and ends here"), line(40, "Three stands alone")]
    )  # fmt: skip
    text = joined([ordered])
    assert text == "One begins, and ends.\n\nTwo begins and ends here\n\nThree stands alone"


def test_a_document_needs_its_library(read, monkeypatch):
    monkeypatch.setattr("backfile.archive.formats.documents.formats.find_spec", lambda _: None)
    (refused,) = read(b"%PDF-1.7", "a.pdf")
    assert "PDF is read with pypdfium2; `pip install 'backfile[documents]'` brings it" in str(
        refused
    )
