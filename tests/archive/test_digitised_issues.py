"""Tests of digitised issues: METS, and the pages of ALTO that it names, as one file."""

import io
import shutil
import tarfile
from datetime import date

import pytest

from backfile.archive.formats.documents.digitised_issues import bundled
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import SourceFile
from backfile.archive.formats.inputs import Reading, read_file
from backfile.archive.model.article import Article
from backfile.archive.model.errors import UnreadableArticle
from tests.builders import backfile, invented_text, zipped

METS = """<?xml version="1.0" encoding="UTF-8"?>
<mets:mets xmlns:mets="http://www.loc.gov/METS/" xmlns:mods="http://www.loc.gov/mods/v3"
 xmlns:xlink="http://www.w3.org/1999/xlink" LABEL="Coastal Courier, 1900-01-02" TYPE="Newspaper">
<mets:dmdSec ID="ISSUE"><mets:mdWrap MDTYPE="MODS"><mets:xmlData><mods:mods>
<mods:titleInfo><mods:nonSort>The</mods:nonSort><mods:title>Coastal Courier</mods:title>
</mods:titleInfo><mods:originInfo><mods:dateIssued>1900-01-02</mods:dateIssued></mods:originInfo>
<mods:language><mods:languageTerm>eng</mods:languageTerm></mods:language>
</mods:mods></mets:xmlData></mets:mdWrap></mets:dmdSec>
<mets:dmdSec ID="A2"><mets:mdWrap MDTYPE="MODS"><mets:xmlData><mods:mods>
<mods:titleInfo><mods:title>Storm at sea</mods:title></mods:titleInfo>
<mods:name><mods:namePart>Ruiz, Ana</mods:namePart><mods:role><mods:roleTerm>aut</mods:roleTerm>
</mods:role></mods:name></mods:mods></mets:xmlData></mets:mdWrap></mets:dmdSec>
<mets:fileSec><mets:fileGrp USE="Images"><mets:file ID="I1"><mets:FLocat LOCTYPE="URL"
 xlink:href="file://./images/1.jp2"/></mets:file></mets:fileGrp>
<mets:fileGrp USE="Text">{files}</mets:fileGrp></mets:fileSec>
<mets:structMap TYPE="PHYSICAL"><mets:div TYPE="Newspaper">
<mets:div TYPE="PAGE"><mets:fptr FILEID="I1"/><mets:fptr FILEID="T1"/></mets:div>
<mets:div TYPE="PAGE"><mets:fptr FILEID="T2"/></mets:div></mets:div></mets:structMap>
{logical}</mets:mets>"""
FILE = """<mets:file ID="{}" MIMETYPE="text/xml"><mets:FLocat LOCTYPE="URL" xlink:href="{}"/>
</mets:file>"""
LOGICAL = """<mets:structMap TYPE="LOGICAL"><mets:div TYPE="Newspaper"><mets:div TYPE="ISSUE"
 DMDID="ISSUE"><mets:div TYPE="TITLE_SECTION"><mets:fptr><mets:area FILEID="T1" BEGIN="P1_B0"
 BETYPE="IDREF"/></mets:fptr></mets:div><mets:div TYPE="CONTENT">
<mets:div TYPE="SECTION" LABEL="Harbour"><mets:div TYPE="HEADING"><mets:fptr><mets:area FILEID="T1"
 BEGIN="P1_B1"/></mets:fptr></mets:div>
<mets:div TYPE="ARTICLE" LABEL="Night ferry" ID="D1"><mets:div TYPE="HEADING">
<mets:div TYPE="TITLE"><mets:fptr><mets:area FILEID="T1" BEGIN="P1_B2"/></mets:fptr></mets:div>
<mets:div TYPE="AUTHOR"><mets:fptr><mets:area FILEID="T1" BEGIN="P1_B3"/></mets:fptr></mets:div>
</mets:div><mets:div TYPE="BODY"><mets:div TYPE="BODY_CONTENT">
<mets:div TYPE="PARAGRAPH"><mets:fptr><mets:seq><mets:area FILEID="T1" BEGIN="P1_B4"/>
<mets:area FILEID="T2" BEGIN="P2_B1"/></mets:seq></mets:fptr></mets:div>
<mets:div TYPE="ILLUSTRATION"><mets:fptr><mets:area FILEID="T1" BEGIN="P1_I1"/></mets:fptr>
</mets:div>
<mets:div TYPE="PARAGRAPH"><mets:fptr><mets:area FILEID="T2" BEGIN="P2_B2"/></mets:fptr>
</mets:div></mets:div></mets:div></mets:div></mets:div>
<mets:div TYPE="ARTICLE" LABEL="Article 2" DMDID="A2"><mets:div TYPE="BODY"><mets:fptr>
<mets:area FILEID="T2" BEGIN="P2_C1"/></mets:fptr></mets:div></mets:div>
<mets:div TYPE="ADVERTISEMENT"><mets:fptr><mets:area FILEID="T2" BEGIN="P2_B9"/></mets:fptr>
</mets:div></mets:div></mets:div></mets:div></mets:structMap>"""
ALTO = """<?xml version="1.0" encoding="UTF-8"?>
<alto xmlns="http://www.loc.gov/standards/alto/ns-v3#"><Layout><Page ID="P{0}"><PrintSpace>{1}
<Illustration ID="P{0}_I1"/></PrintSpace></Page></Layout></alto>"""


def block(name, *lines):
    words = (
        "<SP/>".join(f'<String CONTENT="{word}" HPOS="1"/>' for word in line.split())
        for line in lines
    )
    inside = "".join(f"<TextLine>{line}</TextLine>" for line in words)
    return f'<TextBlock ID="{name}">{inside}</TextBlock>'


FIRST = ALTO.format(
    1,
    block("P1_B0", "COASTAL COURIER")
    + block("P1_B1", "HARBOUR")
    + block("P1_B2", "THE NIGHT", "FERRY ENDS")
    + block("P1_B3", "By Bo Ek")
    + block("P1_B4", "The night ferry stops at the har-"),
)
SECOND = ALTO.format(
    2,
    block("P2_B1", "bour in May.")
    + block("P2_B2", "Commuters were told by letter.")
    + '<ComposedBlock ID="P2_C1">'
    + block("P2_B3", "A storm broke the pier.")
    + block("P2_B4", "Nobody was hurt.")
    + "</ComposedBlock>"
    + block("P2_B9", "Buy soap."),
)
NAMED = FILE.format("T1", "file://./alto/0001.xml") + FILE.format("T2", "./alto/0002.xml")
WHOLE = METS.format(files=NAMED, logical=LOGICAL)
PAGED = METS.format(files=NAMED, logical="")
FILES = (("courier_mets.xml", WHOLE), ("alto/0001.xml", FIRST), ("alto/0002.xml", SECOND))


@pytest.fixture
def read(tmp_path):
    def read_all(*files):
        for name, content in files:
            path = tmp_path / "issue" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(Reading([tmp_path / "issue"], FieldMap()))

    return read_all


def packed(*files):
    return ("issue.zip", zipped(*((name, content.encode()) for name, content in files)))


def in_tar(*files, mode="w"):
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode=mode) as opened:
        for name, content in files:
            info = tarfile.TarInfo(name)
            info.size = len(content.encode())
            opened.addfile(info, io.BytesIO(content.encode()))
    return ("issue.tar.gz" if mode == "w:gz" else "issue.tar", made.getvalue())


@pytest.mark.parametrize(
    "files",
    [
        FILES,
        (packed(*FILES),),
        (packed(*reversed(FILES)),),
        (in_tar(*reversed(FILES)),),
        (in_tar(*FILES, mode="w:gz"),),
    ],
)
def test_each_article_that_mets_names_is_one_with_the_blocks_of_its_pages(read, files):
    ferry, storm = read(*files)
    assert ferry.title == "THE NIGHT FERRY ENDS"
    assert ferry.text == (
        "The night ferry stops at the harbour in May.\n\nCommuters were told by letter."
    )
    assert (ferry.source, ferry.section) == ("The Coastal Courier", "Harbour")
    assert (ferry.published, ferry.language) == (date(1900, 1, 2), "en")
    assert (ferry.authors, ferry.origin.offset) == (("Bo Ek",), 1)
    assert (storm.title, storm.authors) == ("Storm at sea", ("Ruiz, Ana",))
    assert storm.text == "A storm broke the pier.\n\nNobody was hurt."
    assert (storm.published, storm.section, storm.origin.offset) == (date(1900, 1, 2), "", 2)


def test_a_page_that_no_article_stands_on_is_one_itself(read):
    first, second = read(("courier_mets.xml", PAGED), *FILES[1:])
    assert first.text.endswith("FERRY ENDS\n\nBy Bo Ek\n\nThe night ferry stops at the har-")
    assert second.text.endswith("Buy soap.")
    assert [each.origin.offset for each in (first, second)] == [1, 2]
    assert {(each.source, each.published) for each in (first, second)} == {
        ("The Coastal Courier", date(1900, 1, 2))
    }


def test_the_newspaper_may_be_known_by_the_label_alone(read):
    described = PAGED.replace("mods:title>", "mods:subTitle>").replace("mods:nonSort>", "mods:x>")
    assert {each.source for each in read(("a.xml", described), *FILES[1:])} == {"Coastal Courier"}


def test_an_issue_of_a_library_that_knows_pages_alone_has_its_day_and_name(read):
    described = METS.format(files=NAMED, logical="")
    described = described.replace("mods:titleInfo>", "mods:x>").replace(
        'TYPE="PAGE"', 'TYPE="np:page"'
    )
    described = described.replace("structMap TYPE=", "structMap LABEL=")
    found = read(("1900010201.xml", described), *FILES[1:])
    assert [each.origin.offset for each in found] == [1, 2]
    assert {(each.source, each.published) for each in found} == {
        ("Coastal Courier", date(1900, 1, 2))
    }


@pytest.mark.parametrize(
    "path",
    ["../secret.xml", "/etc/secret.xml", "file:///etc/secret.xml", "https://a.example/0002.xml",
     "alto/../../secret.xml", "..\\secret.xml", "C:\\secret.xml"],
)  # fmt: skip
def test_what_mets_names_outside_of_its_folder_is_not_read(read, tmp_path, path):
    (tmp_path / "secret.xml").write_text(SECOND)
    named = FILE.format("T1", "alto/0001.xml") + FILE.format("T2", path)
    found = read(("issue.xml", METS.format(files=named, logical=LOGICAL)), *FILES[1:2])
    (refused,) = [each for each in found if isinstance(each, UnreadableArticle)]
    assert "leads out of its folder" in refused.reason
    assert path in refused.reason
    (ferry,) = [each for each in found if isinstance(each, Article)]
    assert "storm" not in ferry.text


def test_a_page_that_is_not_there_is_listed_and_the_others_are_read(read):
    refused, ferry = read(*FILES[:2])
    assert "is not beside it, or no ALTO (alto/0002.xml)" in refused.reason
    assert ferry.text == "The night ferry stops at the har-"


def test_mets_without_its_pages_is_refused_and_pages_without_it_are_read(read, tmp_path):
    (refused,) = read(FILES[0])
    assert "give the folder of both, or pack it" in refused.reason
    shutil.rmtree(tmp_path / "issue")
    assert [type(each) for each in read(*FILES[1:])] == [Article, Article]


def test_mets_that_cannot_be_read_leaves_its_pages_to_be_read(read):
    found = read(("a.xml", WHOLE[:-300]), *FILES[1:])
    assert sum(isinstance(each, Article) for each in found) == 2
    assert sum(isinstance(each, UnreadableArticle) for each in found) == 1


def test_an_issue_that_is_cut_anywhere_is_read_or_listed(read):
    for cut in range(200, len(SECOND), 97):
        found = read(*FILES[:2], ("alto/0002.xml", SECOND[:cut]))
        assert any("not well-formed" in getattr(each, "reason", "") for each in found)
        assert any(isinstance(each, Article) for each in found)


def test_articles_of_a_page_stay_themselves_when_they_are_read_again(tmp_path):
    folder, archive = tmp_path / "issue", tmp_path / "archive"
    for name, content in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    arguments = ("--archive", str(archive), "--json")
    made = backfile("index", str(folder), "--no-vectors", *arguments)
    assert '"new": 2' in made.stdout
    (folder / "alto/0002.xml").write_text(SECOND.replace("Nobody", "One man"))
    again = backfile("index", str(folder), "--no-vectors", *arguments)
    assert '"unchanged": 1' in again.stdout
    shutil.rmtree(folder)
    kept = backfile("reread", "--no-vectors", *arguments)
    assert '"new": 0' in kept.stdout
    assert '"refused": []' in kept.stdout


@pytest.mark.parametrize("files", [FILES, FILES[1:]])
def test_what_a_tar_has_before_it_breaks_off_is_read(read, files):
    last = ("z.txt", invented_text(7, words=20_000))
    name, content = in_tar(*files, last, mode="w:gz")
    *found, refused = read((name, content[:-2000]))
    assert [type(each) for each in found][:2] == [Article, Article]
    assert "cut short or damaged" in refused.reason


def test_a_bundle_that_is_damaged_anywhere_is_read_or_listed(tmp_path):
    pages = [(name, content.encode()) for name, content in (("METS", WHOLE), *FILES[1:])]
    whole = bundled(pages).read()
    for place in range(0, len(whole), 53):
        content = bytearray(whole)
        content[place] ^= 0x55
        path = tmp_path / "issue"
        path.write_bytes(content)
        assert list(read_file(SourceFile.at(path, "issue"), FieldMap()))
