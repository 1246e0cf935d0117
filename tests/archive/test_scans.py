"""Tests of scanned pages, ALTO and hOCR, and of collections in SGML."""

from datetime import date

import pytest

from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle

TEXT = "The night ferry stops at the harbour in May.\n\nCommuters were told by letter."
ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v3#"><Layout><Page ID="P1"><PrintSpace>
<TextBlock ID="B1">
<TextLine><String CONTENT="The"/><SP/><String CONTENT="night"/><SP/>
<String CONTENT="ferry"/></TextLine>
<TextLine><String CONTENT="stops"/><SP/><String CONTENT="at"/><SP/><String CONTENT="the"/><SP/>
<String CONTENT="har" SUBS_TYPE="HypPart1" SUBS_CONTENT="harbour"/><HYP CONTENT="-"/></TextLine>
<TextLine><String CONTENT="bour"/><SP/><String CONTENT="in"/><SP/>
<String CONTENT="May."/></TextLine>
</TextBlock><TextBlock ID="B2">
<TextLine><String CONTENT="Commuters"/><String CONTENT="were"/>
<String CONTENT="told"/></TextLine>
<TextLine><String CONTENT="by"/><String CONTENT="letter."/></TextLine></TextBlock>
</PrintSpace></Page></Layout></alto>"""
HOCR = """<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/x.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><title></title></head><body>
<div class='ocr_page' id='page_1' title='image "a.png"; bbox 0 0 9 9'><div class='ocr_carea'>
<p class='ocr_par'><span class='ocr_line'><span class='ocrx_word'>The</span>
<span class='ocrx_word'>night</span> <span class='ocrx_word'>ferry</span></span>
<span class='ocr_line'><span class='ocrx_word'>stops at the har-</span></span>
<span class='ocr_line'><span class='ocrx_word'>bour in May.</span></span></p>
<p class='ocr_par'><span class='ocr_line'>Commuters were told by letter.</span></p></div></div>
<div class='ocr_page' id='page_2'></div></body></html>"""
REUTERS = """<!DOCTYPE lewis SYSTEM "lewis.dtd">
<REUTERS TOPICS="YES" LEWISSPLIT="TRAIN" OLDID="5544" NEWID="1">
<DATE>26-FEB-1987 15:01:01.79</DATE>
<TOPICS><D>ship</D><D>trade</D></TOPICS>
<PLACES><D>ashland</D></PLACES>
<UNKNOWN>
&#5;&#5;&#5;C T
&#22;&#22;&#1;f0704&#31;reute</UNKNOWN>
<TEXT>&#2;
<TITLE>NIGHT FERRY &lt;ASH> ENDS</TITLE>
<AUTHOR>    By Ana Ruiz, Reuters</AUTHOR>
<DATELINE>    ASHFORD, Feb 26 - </DATELINE><BODY>The night ferry stops
at the harbour in May.
    Commuters were told by letter.
 Reuter
&#3;</BODY></TEXT>
</REUTERS>
<REUTERS TOPICS="NO" NEWID="2">
<DATE>26-FEB-1987 15:02:20.00</DATE>
<TEXT TYPE="BRIEF">&#2;
<TITLE>ASH FALLS</TITLE>The Ash falls.
&#3;</TEXT>
</REUTERS>
"""
TREC = """<DOC>
<DOCNO> LA032389-0001 </DOCNO>
<DATE><P>March 23, 1989, Thursday, Home Edition </P></DATE>
<HEADLINE><P>NIGHT FERRY ENDS </P></HEADLINE>
<BYLINE><P>By ANA RUIZ, Times Staff Writer </P></BYLINE>
<TEXT><P>The night ferry stops at the harbour
in May. </P>
<P>Commuters were told by letter. </P></TEXT>
</DOC>
<DOC>
<DOCNO> LA032389-0002 </DOCNO>
<TEXT>Broken"""


@pytest.fixture
def read(tmp_path):
    def read_all(content, name):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode("latin-1"))
        return list(read_file(SourceFile.at(path, name), FieldMap()))

    return read_all


def test_a_page_of_alto_is_an_article(read):
    (article,) = read(ALTO, "courier/1900-01-02/0001.xml")
    assert article.text == TEXT
    assert article.published == date(1900, 1, 2)


def test_a_page_of_hocr_is_an_article(read):
    article, refused = read(HOCR, "1900-01-02.hocr.html")
    assert (article.text, article.published) == (TEXT, date(1900, 1, 2))
    assert refused.reason == "a scanned page without text"


def test_each_story_of_reuters_is_an_article(read):
    first, second = read(REUTERS, "reut2-000.sgm")
    assert (first.id, first.title) == ("reuters-1", "NIGHT FERRY <ASH> ENDS")
    assert first.text == f"ASHFORD, Feb 26 – {TEXT}"
    assert (first.published, first.source) == (date(1987, 2, 26), "Reuters")
    assert (first.section, first.authors) == ("ship", ("Ana Ruiz",))
    assert (second.title, second.text) == ("ASH FALLS", "The Ash falls.")
    assert [first.origin.offset, second.origin.offset] == [2, 18]


def test_each_document_of_trec_is_an_article(read):
    article, refused = read(TREC, "la032389")
    assert (article.id, article.title) == ("LA032389-0001", "NIGHT FERRY ENDS")
    assert (article.text, article.published) == (TEXT, date(1989, 3, 23))
    assert article.authors == ("ANA RUIZ",)
    assert "breaks off" in refused.reason


def document(*elements, opening="<DOC>\n<DOCNO> A-1 </DOCNO>"):
    return "\n".join((opening, *elements, "</DOC>\n"))


TEXT_OF_TWO = "<TEXT> One. </TEXT>"


@pytest.mark.parametrize(
    ("content", "title", "day"),
    [
        (
            document(
                "<HEADER>\n<DATE1>  1 March 1994 </DATE1>\nArticle Type: A",
                "<H3> <TI> Bridge closes </TI></H3>\n</HEADER>", TEXT_OF_TWO
            ),
            "Bridge closes", date(1994, 3, 1),
        ),
        (document("<DATE>910514\n</DATE>\n<HEADLINE> FT 14 MAY 91 / Bridge closes\n</HEADLINE>",
                  TEXT_OF_TWO), "FT 14 MAY 91 / Bridge closes", date(1991, 5, 14)),
        (document("<HEADLINE><P>BRIDGE CLOSES;</P>\n<P>FERRY RUNS</P></HEADLINE>", TEXT_OF_TWO),
         "BRIDGE CLOSES; FERRY RUNS", None),
        (document("<HEADLINE>\nBridge closes\n</HEADLINE>\n<TEXT>\n<P>\nOne.\n</P>\n</TEXT>",
                  opening='<DOC id="NYT_ENG_20240323.0001" type="story" >'),
         "Bridge closes", date(2024, 3, 23)),
    ],
)  # fmt: skip
def test_headlines_and_days_of_newspapers_are_read(read, content, title, day):
    (article,) = read(content, "a")
    assert (article.title, article.published, article.text) == (title, day, "One.")


def test_a_collection_may_have_its_id_in_the_tag(read):
    content = document("<TEXT>One.</TEXT>", opening='<DOC id="NYT_ENG_20240323.0001" type="story">')
    assert [each.id for each in read(content, "a.txt")] == ["NYT_ENG_20240323.0001"]


def test_all_texts_of_a_document_are_read(read):
    (article,) = read(document("<TEXT> One. </TEXT>", "<NOTE>-</NOTE>", "<TEXT>Two.</TEXT>"), "a")
    assert article.text == "One.\n\nTwo."


def test_a_document_may_begin_where_the_last_one_ends(read):
    body = "<REUTERS NEWID='{0}'><TEXT><TITLE>T{0}</TITLE>\n<BODY>Text {0}.</BODY></TEXT></REUTERS>"
    found = read("".join(body.format(n) for n in (1, 2, 3)), "a.sgm")
    assert [(each.id, each.text) for each in found] == [
        (f"reuters-{n}", f"Text {n}.") for n in (1, 2, 3)
    ]


@pytest.mark.parametrize(
    ("name", "content"), [("a.xml", ALTO), ("a.html", HOCR), ("a.sgm", REUTERS), ("a", TREC)]
)
def test_what_is_cut_is_read_or_listed(read, name, content):
    for cut in range(130, len(content), 41):
        found = read(content[:cut], name)
        assert found
        assert all(isinstance(each, Article | UnreadableArticle) for each in found)


@pytest.mark.parametrize("root", ["opml", "urlset", "sitemapindex", "mets"])
def test_xml_that_is_read_in_another_way_says_so(read, root):
    (refused,) = read(f"<?xml version='1.0'?><{root}><a/></{root}>", "a.xml")
    assert "convert" not in refused.reason
