"""Tests of tables of text: whatever divides and quotes their cells, no row is lost in silence."""

import csv
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backfile.archive.formats.cleaning import clean_line, clean_text
from backfile.archive.formats.fields import FieldMap
from backfile.archive.formats.files import LONGEST_TEXT, SourceFile
from backfile.archive.formats.inputs import read_file
from backfile.archive.model.article import Article, TextKind
from tests.builders import zipped

UNSEEN = dict.fromkeys(map(ord, "\t\x1f"))


@pytest.fixture
def read(tmp_path):
    def read_all(name, content, *options):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return list(read_file(SourceFile.at(path, f"in/{name}"), FieldMap.from_options(options)))

    return read_all


def ids(found):
    return [each.id for each in found if isinstance(each, Article)]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|", "^", "\x1f"])
@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "cp1252", "utf-16", "utf-16-le", "utf-16-be"]
)
def test_a_table_is_read_whatever_its_delimiter_and_encoding(read, delimiter, encoding):
    rows = ["id;Headline;body;date", 'b;"Brücke; zu";“Schön“ war sie.;04.11.2023']
    content = "\r\n".join(row.replace(";", delimiter) for row in rows)
    (article,) = read("a.csv", content.encode(encoding))
    assert (article.id, article.title) == ("b", f"Brücke{delimiter} zu".translate(UNSEEN))
    assert (article.text, article.published) == ("“Schön“ war sie.", date(2023, 11, 4))


def test_a_cell_may_hold_lines_and_rows_are_counted_by_line(read, tmp_path):
    found = read("a.csv", 'id,text\nr,"Rain.\n\nMuch."\ns,Snow.\n')
    assert ids(found) == ["r", "s"]
    assert found[0].text == "Rain.\n\nMuch."
    assert [each.origin.offset for each in found] == [2, 5]


def test_a_row_with_too_many_cells_is_refused_and_the_rest_is_read(read):
    first, refused, last = read("a.csv", "id,text\nr,Rain.\nx,So, it rained\n\ns,Snow.\n")
    assert (first.id, last.id) == ("r", "s")
    assert refused.origin.endswith("a.csv:3")
    assert refused.reason == "3 cells under 2 column names"


def test_a_table_without_a_text_column_names_its_columns_and_the_way_out(read):
    (refused,) = read("a.csv", "id,gist\nr,Rain.\n")
    assert refused.origin.endswith("a.csv:1")
    assert "among: id, gist; name one with --map text=COLUMN" in refused.reason
    assert ids(read("a.csv", "id,gist\nr,Rain.\n", "text=gist")) == ["r"]


def test_a_column_mapped_to_text_that_is_not_there_is_refused_once(read):
    (refused,) = read("a.csv", "id,title,text\nr,Ash,Rain.\ns,Ash,Snow.\n", "text=Copy")
    assert "no column for the text among: id, title, text" in refused.reason


def test_a_quote_that_is_never_closed_is_refused_by_the_line_it_began_at(read):
    rain, refused = read("a.csv", 'id,text\nr,Rain.\ns,"Snow.\nt,Tide.\n')
    assert rain.id == "r"
    assert refused.origin.endswith("a.csv:3")
    assert refused.reason.endswith("never closed; nothing below it was read (1 lines)")
    rain, refused = read("a.csv", 'id,text\nr,Rain.\ns,"Snow.')
    assert (rain.id, refused.reason) == ("r", "a quote in this row is never closed")


def test_a_quote_that_only_a_later_row_closes_is_refused_and_the_rest_is_read(read):
    content = 'id,text\nr,"Rain.\ns,"Snow."\nt,Tide.\n'
    refused, tide = read("a.csv", content)
    assert (refused.origin.rpartition(":")[2], tide.id) == ("2", "t")
    assert refused.reason.startswith("a quote is out of place in the 2 lines from here on")


def test_a_quote_within_a_line_hides_no_other_row_and_is_read_leniently(read):
    found = read("a.csv", 'id,text\nr,"The "old" wall fell."\ns,Snow.\n')
    assert ids(found) == ["r", "s"]
    assert found[0].text.startswith("The old")


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_a_table_whose_lines_end_in_a_bare_return_is_read(read, name):
    found = read(name, "id,title,text\rr,Ash,Rain.\rs,Ash,Snow.\r")
    assert ids(found) == ["r", "s"]
    assert [each.origin.offset for each in found] == [2, 3]


@pytest.mark.parametrize("content", ['id,"text', "id,bo\rx\nr,Rain.\n"])
def test_a_header_that_is_not_csv_is_refused(read, content):
    (refused,) = read("a.csv", content)
    assert refused.origin.endswith("a.csv:1")


QUOTE = 'The "old" wall, it\'s said; fell|down.\nAt five.'
ROWS = [("id", "title", "text"), ("r", "Ash, a 'river'", QUOTE), ("s", "Snow", "It fell.")]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("quote", ['"', "'"])
@pytest.mark.parametrize("escape", ["doubled", "\\"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_table_is_read_however_it_was_quoted(read, delimiter, quote, escape, end):
    before = quote if escape == "doubled" else escape
    cells = [[f"{quote}{c.replace(quote, before + quote)}{quote}" for c in row] for row in ROWS]
    first, second = read("a.csv", end.join(delimiter.join(row) for row in cells) + end)
    assert (first.id, first.title, first.text) == ROWS[1]
    assert (second.id, second.title, second.text) == ROWS[2]


def test_a_row_without_a_line_end_counts_too(read):
    (article,) = read("a.csv", "id,text\nr,'Rain, it fell.'")
    assert article.text == "Rain, it fell."


def test_only_cells_that_need_it_may_be_in_single_quotes(read):
    first, second = read("a.csv", "id,text\nr,'Rain, it fell.'\ns,Snow.\n")
    assert (first.text, second.text) == ("Rain, it fell.", "Snow.")


def test_quotes_are_letters_in_a_tab_table_that_does_not_quote(read):
    rows = ["id\ttext", 'r\t"Rain, he said.', 's\tThe "old" wall.', 't\t"Snow" and "ice".']
    found = read("a.tsv", "\n".join(rows))
    assert [each.text for each in found] == [
        '"Rain, he said.',
        'The "old" wall.',
        '"Snow" and "ice".',
    ]


def test_backslashes_are_letters_where_nothing_is_escaped(read):
    (article,) = read("a.csv", 'id,text\nr,"Look in C:\\new, he said."\n')
    assert article.text == "Look in C:\\new, he said."


def test_the_dump_of_a_database_is_read_without_its_escapes(read):
    first, _ = read("a.tsv", "id\ttitle\ttext\nr\t\\N\tRain.\\n\\nMuch\\tof it.\ns\tA\tSnow.\n")
    assert first.text == "Rain.\n\nMuch\tof it."
    assert first.given_title == ""
    mysql = "id\ttext\nr\tRain.\\\nMuch.\ns\tSnow.\n"
    assert [each.text for each in read("a.tsv", mysql)] == ["Rain.\nMuch.", "Snow."]


@pytest.mark.parametrize("name", ["a.csv", "a.txt"])
def test_the_line_in_which_a_spreadsheet_names_its_delimiter_is_obeyed(read, name):
    found = read(name, "sep=;\r\nid;title, short;text\r\nr;Ash, a river;Rain, snow.\r\n")
    assert [(each.id, each.text, each.origin.offset) for each in found] == [("r", "Rain, snow.", 3)]


def test_lines_above_the_header_are_passed_over_if_they_are_no_rows(read):
    found = read("a.csv", "\nNews of May\n\nid,text\nr,Rain.\n")
    assert [(each.id, each.origin.offset) for each in found] == [("r", 5)]
    (refused,) = read("a.csv", "a,Rain.\nid,text\nr,Rain.\n")
    assert refused.reason.startswith("no column for the text among: a, Rain.")


def test_a_table_without_a_header_is_read_by_the_numbers_of_its_columns(read):
    found = read("a.csv", "r,Ash,Rain.\ns,Ash,Snow.\n", "text=3", "id=1", "title=2")
    assert [(each.id, each.title, each.text) for each in found] == [
        ("r", "Ash", "Rain."),
        ("s", "Ash", "Snow."),
    ]
    assert [each.origin.offset for each in found] == [1, 2]
    (refused,) = read("a.csv", "r,Ash,Rain.\n")
    assert refused.reason.endswith("(where there is no header line, by its number)")


def test_a_cell_of_a_million_characters_is_read(read):
    (article,) = read("a.csv", 'id,text\nr,"' + "Rain, snow. " * 100_000 + '"\n')
    assert len(article.text) == 12 * 100_000 - 1


def test_a_line_too_long_for_an_article_is_refused_and_the_rest_is_read(read):
    table = f"id,text\nr,Rain.\nx,{'x' * LONGEST_TEXT}\ns,Snow.\n"
    found = read("a.csv", table)
    assert ids(found) == ["r", "s"]
    assert found[1].reason.startswith("a line of more than")
    wide = read("b.csv", table.encode("utf-16"))
    assert ids(wide) == ["r", "s"]


def test_lines_that_end_in_different_ways_in_one_file_are_all_read(read):
    found = read("a.csv", "id,text\r\nr,Rain.\rs,Snow.\nt,Tide.\r\n")
    assert ids(found) == ["r", "s", "t"]
    (article,) = read("a.csv", "id,title,text\r\nr,Ash,Rain\rand snow.\r\n")
    assert article.text == "Rain and snow."


def test_a_row_below_what_was_looked_at_is_no_less_strictly_read(read):
    rows = "".join(f"{n},Rain fell on day {n}.\n" for n in range(5_000))
    found = read("a.csv", f'id,text\n{rows}x,"The ""old"" wall, it fell."\n')
    assert len(found) == 5_001
    assert found[-1].text == 'The "old" wall, it fell.'


def test_a_table_in_a_zip_is_read_where_it_lies(read):
    (article,) = read("a.zip", zipped(("in/news.csv", b"id;text\nr;'Rain; snow.'\n")))
    assert article.text == "Rain; snow."
    assert str(article.origin).endswith("a.zip!/in/news.csv:2")


TEXTS = st.text(st.sampled_from("abé,;\t|\"'\\\n :=^"), max_size=30).map(clean_text).filter(bool)


@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=8), st.sampled_from(",;\t|^"),
       st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_whatever_csv_writes_is_read_as_it_was(tmp_path_factory, rows, delimiter, quoting):
    path = tmp_path_factory.getbasetemp() / "written.csv"
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter=delimiter, quoting=quoting)
        writer.writerow(["id", "title", "text"])
        writer.writerows([n, *row] for n, row in enumerate(rows))
    found = list(read_file(SourceFile.at(path, "written.csv"), FieldMap()))
    assert [(each.title, each.text) for each in found] == [
        (clean_line(title), text) for title, text in rows
    ]


LONG = "Short-sellers are seeing green again, {} of them, on the street where prices fell."


def test_a_table_without_a_header_is_read_by_what_is_in_its_columns(read):
    rows = [f'"{n}","Street sees green, {n} times","{LONG.format(n)}"' for n in range(1, 5)]
    found = read("train.csv", "\n".join(rows))
    assert [each.title for each in found] == [f"Street sees green, {n} times" for n in range(1, 5)]
    assert [each.text for each in found] == [LONG.format(n) for n in range(1, 5)]
    assert [each.origin.offset for each in found] == [1, 2, 3, 4]


def test_dates_and_addresses_are_known_without_a_header_too(read):
    rows = [f"https://a.example/{n}\t2024-03-0{n}\t{LONG.format(n) * 3}" for n in range(1, 5)]
    found = read("news.tsv", "\n".join(rows))
    assert [each.url for each in found] == [f"https://a.example/{n}" for n in range(1, 5)]
    assert found[0].published == date(2024, 3, 1)
    assert found[0].text == LONG.format(1) * 3


def test_a_table_of_queries_is_no_table_of_articles(read):
    (refused,) = read("queries.tsv", "".join(f"{n}\t{LONG.format(n)}\n" for n in range(4)))
    assert "no column for the text among" in refused.reason
    assert refused.reason.endswith("; try --map text=2")


def test_a_header_of_unknown_names_is_no_row_and_the_options_are_proposed(read):
    rows = "No,Copy,Stamp\n" + "".join(f'{n},"{LONG.format(n)}",2024-03-01\n' for n in range(4))
    (refused,) = read("a.csv", rows)
    assert refused.reason.endswith("; try --map text=Copy --map published=Stamp")
    found = read("a.csv", rows, "text=Copy", "published=Stamp")
    assert [each.published for each in found] == [date(2024, 3, 1)] * 4


def test_a_short_table_without_a_header_is_refused(read):
    (refused,) = read("a.csv", "1,Rain\n2,Snow\n")
    assert "no column for the text among: 1, Rain" in refused.reason


QUESTION = "Do you like the service of our ferry, and why is that so?"


@pytest.mark.parametrize(
    "rows",
    [
        [f'{n},"{QUESTION}","I like that the boats are on time, every day {n}."' for n in range(9)],
        [f'"{LONG.format(n)}","What the {n}. reader thought of it","{n}"' for n in range(9)],
        [f'{n},"Answer {n} of the ferry","{LONG.format(1)}"' for n in range(9)],
        [f'x{n},"Answer {n} of the ferry","{LONG.format(n)}"' for n in range(9)],
        [f'{n},"Answer {n} of the ferry","on time and cheap and fast, {n}"' for n in range(9)],
    ],
)  # fmt: skip
def test_a_wordy_table_that_may_be_anything_is_no_table_of_news(read, rows):
    (refused,) = read("survey.csv", "\n".join(rows))
    assert "no column for the text among" in refused.reason


def test_columns_have_usual_names_in_other_languages(read):
    header, row = (
        "Titel;Datum;Quelle;Text;Autor;Ressort",
        "Eis;23.03.2024;Bote;Es taut.;A B;Lokales",
    )
    (found,) = read("a.csv", f"{header}\n{row}\n")
    assert (found.title, found.text, found.published) == ("Eis", "Es taut.", date(2024, 3, 23))
    assert (found.source, found.authors, found.section) == ("Bote", ("A B",), "Lokales")


def test_a_table_of_zotero_has_abstracts_and_outlets(read):
    header = '"Key","Item Type","Author","Title","Publication Title","Url","Abstract Note","Date"'
    row = '"AB","newspaperArticle","Ruiz, Ana; Ek, Bo","Ice","Courier","","It melts.","2024-03-23"'
    (found,) = read("a.csv", f"{header}\n{row}\n")
    assert (found.title, found.text, found.text_kind) == ("Ice", "It melts.", TextKind.ABSTRACT)
    assert (found.source, found.authors) == ("Courier", ("Ruiz, Ana", "Ek, Bo"))
