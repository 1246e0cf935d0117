"""Tests of PDF that is read in other ways: scans with tesseract, and clippings each by itself."""

import io
import shutil
import sys
from datetime import date

import pypdfium2
import pytest

from backfile.archive.formats.documents.page_layout import Line
from backfile.archive.formats.documents.pdf import clippings_of
from backfile.archive.formats.documents.recognition import find_program
from backfile.archive.formats.fields import FieldMap, PdfReading
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.errors import BadSetting
from tests.builders import PDF_PAGE, backfile, pdf, pdf_lines

HOCR = """<?xml version="1.0" encoding="UTF-8"?>
<html xmlns="http://www.w3.org/1999/xhtml"><body><div class='ocr_page'><div class='ocr_carea'>
<p class='ocr_par'><span class='ocr_line' title="bbox 250 200 900 300; x_size 100">Night ferry
ends</span></p><p class='ocr_par'>
<span class='ocr_line' title="bbox 250 400 900 440; x_size 40">The night ferry stops in the
har-</span><span class='ocr_line' title="bbox 250 450 900 490; x_size 40">bour of Ashford.</span>
</p><p class='ocr_par'><span class='ocr_line' title="bbox 250 500 900 540; x_size 40">Commuters
were told by letter.</span></p></div></div></body></html>"""
PROGRAM = """#!{python}
import sys
if "--list-langs" in sys.argv:
    print("List of available languages in x (2):", "deu", "eng", sep="\\n")
    sys.exit()
picture = sys.stdin.buffer.read()
assert picture.startswith(b"P5 "), picture[:20]
{answer}
"""
ANSWER = f"sys.stdout.write({HOCR!r} if sys.argv[4] == 'deu' else '')"
REAL = shutil.which("tesseract")


@pytest.fixture
def tesseract(tmp_path, monkeypatch):
    def install(answer=ANSWER):
        path = tmp_path / "bin" / "tesseract"
        path.parent.mkdir(exist_ok=True)
        path.write_text(PROGRAM.format(python=sys.executable, answer=answer))
        path.chmod(0o755)
        monkeypatch.setenv("PATH", str(path.parent))

    return install


@pytest.fixture
def read(tmp_path):
    def read_all(content, languages="", *, clippings=False):
        path = tmp_path / "1900-01-02.pdf"
        path.write_bytes(content)
        names = FieldMap(pdf=PdfReading(languages, clippings))
        return list(read_file(SourceFile.at(path, path.name), names))

    return read_all


def test_a_scan_is_recognised_in_its_language_and_read_like_a_text_layer(read, tesseract):
    tesseract()
    (article,) = read(pdf([]), "deu")
    assert article.title == "Night ferry ends"
    assert article.text == (
        "The night ferry stops in the harbour of Ashford.\n\nCommuters were told by letter."
    )
    assert article.published == date(1900, 1, 2)


def test_only_pages_without_a_text_layer_are_recognised(read, tesseract):
    tesseract()
    (article,) = read(pdf(PDF_PAGE, []), "deu")
    assert "the board has decided" in article.text
    assert article.text.endswith("Night ferry ends\n\nThe night ferry stops in the harbour of "
                                 "Ashford.\n\nCommuters were told by letter.")  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("print('Error: no memory', file=sys.stderr); sys.exit(1)", "no memory"),
        ("sys.exit(1)", "stopped without an answer"),
        ("print('<html><body/>')", "not well-formed"),
        ("print('<html><body/></html>')", "no text was recognised"),
    ],
)
def test_a_page_that_is_not_recognised_is_refused_with_the_reason(read, tesseract, answer, reason):
    tesseract(answer)
    (refused,) = read(pdf([]), "eng")
    assert "no text layer (a scan)" in refused.reason
    assert reason in refused.reason


def test_a_scan_is_not_recognised_unless_asked_for(read, tesseract):
    tesseract("sys.exit('called')")
    (refused,) = read(pdf([]))
    assert "`--ocr` recognises it" in refused.reason


def test_languages_are_those_that_tesseract_has(tesseract):
    tesseract()
    assert find_program("deu+eng").endswith("tesseract")
    with pytest.raises(BadSetting, match="no data for 'fra', but for: deu, eng"):
        find_program("eng+fra")
    with pytest.raises(BadSetting, match="is no list of languages"):
        find_program("--help")


def test_the_command_recognises_scans_and_keeps_how_they_were_read(tmp_path, tesseract):
    tesseract()
    (tmp_path / "a.pdf").write_bytes(pdf([]))
    archive = ("--archive", tmp_path / "archive", "--no-vectors", "--json")
    index = ("index", tmp_path / "a.pdf", "--ocr")
    assert '"new": 1' in backfile(*index, *archive, BACKFILE_OCR_LANGUAGES="deu").stdout
    assert '"refused": []' in backfile("reread", *archive).stdout


def test_the_command_says_that_tesseract_is_not_installed(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    result = backfile("index", tmp_path, "--ocr", "--dry-run")
    assert result.exit_code == 2
    assert "--ocr: needs tesseract, which is not installed" in result.stderr


@pytest.mark.skipif(not REAL, reason="tesseract is not installed")
def test_tesseract_itself_reads_a_picture_of_a_page(read):
    drawn = pypdfium2.PdfDocument(pdf(PDF_PAGE[:4]))[0]
    bitmap = drawn.render(scale=4)
    document = pypdfium2.PdfDocument.new()
    page, image = document.new_page(595, 842), pypdfium2.PdfImage.new(document)
    image.set_bitmap(bitmap)
    image.set_matrix(pypdfium2.PdfMatrix().scale(595, 842))
    page.insert_obj(image)
    page.gen_content()
    made = io.BytesIO()
    document.save(made)
    (article,) = read(made.getvalue(), "eng")
    assert article.title == "Night ferry ends"
    assert article.text == "The night ferry across the Ash stops in May, the board has decided."


LONG = "The board of the harbour has decided so, after a year of talks with all who use it. "
TWO = [
    (60, 780, 12, "COASTAL COURIER"),
    (60, 740, 24, "Night ferry ends"),
    *pdf_lines(60, 700, LONG, "Commuters were told."),
    (60, 640, 20, "A storm at sea breaks"),
    (60, 616, 20, "the pier of Ashford"),
    *pdf_lines(60, 580, LONG, "Nobody was hurt."),
]


def test_clippings_are_cut_at_headlines_on_demand(read):
    (whole,) = read(pdf(TWO, PDF_PAGE))
    assert "the pier of Ashford" in whole.text
    found = read(pdf(TWO, PDF_PAGE), clippings=True)
    assert [(each.title, each.origin.offset) for each in found] == [
        ("COASTAL COURIER Night ferry ends", 1),
        ("A storm at sea breaks the pier of Ashford", 1),
        ("Night ferry ends", 2),
    ]
    assert [each.text.rpartition(". ")[2] for each in found[:2]] == [
        "Commuters were told.",
        "Nobody was hurt.",
    ]
    assert len({each.id for each in found}) == 3


def test_a_clipping_goes_on_on_the_next_page_and_loses_no_line():
    def line(text, size=10):
        return Line(0, 0, 9, size, text)

    pages = [[line("Above."), line("Head", 20), line("a" * 90)], [line("b" * 90)]]
    found = list(clippings_of([*pages, [line("Second", 20), line("Short."), line("Third", 20)]]))
    assert [(each["number"], each["title"]) for each in found] == [
        (1, "Above. Head"),
        (3, "Second Short. Third"),
    ]
    assert found[0]["text"] == f"{'a' * 90} {'b' * 90}"
