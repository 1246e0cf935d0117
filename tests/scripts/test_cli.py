"""The `backfile` command: what it prints, where, and the code it exits with."""

import json
import logging
import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from backfile.archive.model.errors import OutOfMemory, TooManyFiles
from backfile.archive.store.directory import ArchiveDirectory
from backfile.scripts.backfile import COMMANDS, main
from tests.builders import ROOT, backfile, one_line_error, write_stories


@pytest.fixture
def archive(tmp_path, indexed_by_words):
    """The stories, by words alone, and beside them the file that they came from."""
    write_stories(tmp_path)
    return shutil.copytree(indexed_by_words, tmp_path / "archive")


def test_index_says_what_became_of_the_input(tmp_path):
    index = ("index", write_stories(tmp_path), "--archive", tmp_path / "archive", "--no-vectors")
    assert backfile(*index).exit_code == 0
    result = backfile(*index)
    counts = {
        name.strip(): n for name, n in (line.rsplit(" ", 1) for line in result.stdout.splitlines())
    }
    expected = {"read": "7", "new": "0", "changed": "0", "unchanged": "7", "undated": "1"}
    assert counts == expected | {"refused": "0"}


@pytest.mark.model
def test_index_names_the_commands_that_search_what_it_has_indexed(archive, tmp_path):
    again = ("index", tmp_path / "stories.jsonl", "--no-vectors")
    named = f"--archive {archive}"
    assert backfile(*again, "--archive", archive).stderr == (
        f"search it with `backfile search {named} WORDS`, "
        f"or in a browser with `backfile serve {named}`\n"
    )
    usual = backfile(*again, BACKFILE_ARCHIVE=str(archive)).stderr
    assert usual.startswith("search it with `backfile search WORDS`")
    for option in ("--quiet", "--json"):
        assert backfile(*again, "--archive", archive, option).stderr == ""
    (tmp_path / "empty").mkdir()
    assert backfile("index", tmp_path / "empty", "--archive", archive).stderr == ""


def test_several_words_are_one_query(archive):
    options = ("--mode", "keyword", "--archive", archive)
    together = backfile("search", *options, "swing bridge").stdout
    assert together
    assert backfile("search", "swing", "bridge", *options).stdout == together
    written = backfile("export", "swing", "bridge", *options).stdout
    assert written == backfile("export", "swing bridge", *options).stdout != ""


def test_a_query_that_looks_like_an_option_says_what_to_do(archive):
    for word in ("-bridge", "--bridge"):
        result = backfile("search", word, "--archive", archive)
        assert result.exit_code == 2
        assert "needs -- before it: " in result.stderr
        assert backfile("search", "--archive", archive, "--", word).exit_code == 0
    assert "needs --" not in backfile("search", "--sinc", "2023", "x").stderr


def test_the_help_has_a_whole_line_for_each_command_and_imports_none():
    shown = backfile("--help").stdout.split("Commands:\n")[1].splitlines()
    listed = dict(line.split(maxsplit=1) for line in shown)
    assert listed == {name: each.text for name, each in COMMANDS.items()}
    assert all(len(line) <= 80 and line.endswith(".") and ".." not in line for line in shown)
    assert {main.get_command(None, name).short_help for name in listed} == set(listed.values())


def test_a_refused_file_is_named_with_its_reason_and_the_rest_is_kept(archive, tmp_path):
    folder = tmp_path / "mixed"
    folder.mkdir()
    (folder / "a.jsonl").write_text('{"title": "Kept", "text": "Yes."}\n{"title": \n')
    (folder / "b.bin").write_bytes(b"\x00\x01\x02")
    result = backfile("index", folder, "--archive", archive, "--no-vectors", "--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 1
    assert report["new"] == 1
    reasons = {r["origin"].rpartition("/")[2]: r["reason"] for r in report["refused"]}
    assert reasons["a.jsonl:2"].startswith("not valid JSON")
    assert "binary" in reasons["b.bin"]


def test_a_dry_run_shows_examples_and_makes_no_archive(tmp_path):
    archive = tmp_path / "none"
    result = backfile("index", write_stories(tmp_path), "--archive", archive, "--dry-run")
    assert result.exit_code == 0
    assert "2024-03-23  Ferry timetable cut" in result.stdout
    assert "authors: Ana Ruiz, José Núñez" in result.stdout
    assert not archive.exists()


def test_search_prints_hits_and_tells_progress_and_totals_apart(archive):
    result = backfile("search", "swing bridge", "--mode", "keyword", "--archive", archive)
    assert result.exit_code == 0
    assert result.stdout.startswith("1. Swing bridge shut\n   2023-03-15 · Courier · Transport")
    assert result.stderr == "1 article (1 mentions all words, 1 some of them)\n"
    assert result.stdout.count("\n\n") == 2  # both are printed


def test_search_as_json_can_be_paged(archive):
    options = ("--mode", "keyword", "--archive", archive, "--limit", "2", "--json")
    first = json.loads(backfile("search", "ferry", *options).stdout)
    second = json.loads(backfile("search", "ferry", *options, "--cursor", first["next"]).stdout)
    ids = [hit["article"]["id"] for page in (first, second) for hit in page["hits"]]
    assert len(ids) == len(set(ids)) == first["total"] == 3
    assert second["next"] is None


def test_nothing_found_is_exit_code_1(archive):
    result = backfile("search", "zxqv", "--mode", "keyword", "--archive", archive)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing found" in result.stderr


def test_filters_and_sorting_work_from_the_shell(archive):
    result = backfile(
        *("search", "ferry", "--mode", "keyword", "--since", "2024", "--sort", "oldest"),
        *("--source", "Courier", "--archive", archive, "--json"),
    )
    assert [h["article"]["id"] for h in json.loads(result.stdout)["hits"]] == ["ferry"]


@pytest.mark.parametrize(
    ("options", "left_out"),
    [
        (["--not-source", "courier"], {"ferry", "bridge"}),
        (["--not-source", "Courier", "--not-section", "Culture"], {"ferry", "bridge", "undated"}),
    ],
)
def test_what_is_excluded_from_the_shell_is_left_out(archive, options, left_out):
    found = json.loads(backfile("search", "", *options, "--archive", archive, "--json").stdout)
    kept = {hit["article"]["id"] for hit in found["hits"]}
    assert kept
    assert not kept & left_out
    given = json.loads(
        backfile("search", "", "--day", "03-15", "--archive", archive, "--json").stdout
    )
    assert [hit["article"]["id"] for hit in given["hits"]] == ["bridge"]


def test_show_and_remove(archive):
    assert "The council votes on Tuesday." in backfile("show", "ferry", "--archive", archive).stdout
    shown = json.loads(backfile("show", "ferry", "--archive", archive, "--json").stdout)
    assert shown["authors"] == ["Ana Ruiz", "José Núñez"]
    assert backfile("remove", "ferry", "--archive", archive).stdout == "removed 1 of 1 article\n"
    assert "no article has the id 'ferry'" in one_line_error(
        backfile("show", "ferry", "--archive", archive)
    )
    assert backfile("remove", "ferry", "--archive", archive).exit_code == 1


def test_status_counts(archive):
    found = json.loads(backfile("status", "--archive", archive, "--json").stdout)
    assert (found["articles"], found["coverage"]) == (7, 0)
    assert found["model"] == "all-MiniLM-L6-v2"
    assert found["passages"] >= 6
    assert found["bytes"] > 1000
    assert found["generation"] > 0
    assert "articles    7" in backfile("status", "--archive", archive).stdout


def test_no_archive_is_an_error_that_names_the_command_that_makes_one(tmp_path):
    for command in (("search", "x"), ("show", "x"), ("status",), ("verify",), ("remove", "x")):
        error = one_line_error(backfile(*command, "--archive", tmp_path / "none"))
        assert "backfile index PATH" in error
        assert f"no archive at {tmp_path / 'none'}; " in error
    assert not (tmp_path / "none").exists()


def test_no_archive_says_where_it_looked_and_how_to_name_one(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    error = one_line_error(backfile("status", BACKFILE_ARCHIVE=""))
    assert f"no archive at {tmp_path / 'var' / 'archive'}; " in error
    assert "--archive" in error
    assert "BACKFILE_ARCHIVE" in error


def test_another_model_is_a_mismatch_that_names_both(archive):
    manifest = json.loads((archive / "manifest.json").read_text())
    changed = manifest | {"model": "elsewhere/model", "weights": "0" * 64}
    (archive / "manifest.json").write_text(json.dumps(changed))
    error = one_line_error(backfile("search", "ferry", "--archive", archive))
    assert "elsewhere/model" in error
    assert "all-MiniLM-L6-v2" in error
    (archive / "manifest.json").write_text(json.dumps(manifest | {"schema": 99}))
    error = one_line_error(backfile("status", "--archive", archive))
    assert "schema 99" in error


def test_other_weights_under_the_same_name_are_a_mismatch(archive):
    manifest = json.loads((archive / "manifest.json").read_text())
    (archive / "manifest.json").write_text(json.dumps(manifest | {"weights": "0" * 64}))
    error = one_line_error(backfile("index", ROOT / "scripts/sample", "--archive", archive))
    assert "weights 000000000000" in error


def test_a_second_writer_is_told_that_the_archive_is_busy(archive, tmp_path):
    with ArchiveDirectory(archive).writing():
        error = one_line_error(backfile("index", tmp_path / "stories.jsonl", "--archive", archive))
        assert "another process is writing" in error
        assert backfile("search", "ferry", "--mode", "keyword", "--archive", archive).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("search", "x", "--since", "soon"),
        ("search", "x", "--limit", "0"),
        ("search", "x", "--mode", "magic"),
        ("index", "/nowhere/at/all"),
        ("index", ".", "--map", "nonsense"),
        ("evaluate", "scripts/sample"),
    ],
)
def test_bad_input_is_exit_code_2_without_a_stack_trace(archive, arguments):
    extra = () if arguments[0] == "evaluate" else ("--archive", str(archive))
    result = backfile(*arguments, *extra)
    assert result.exit_code == 2
    assert result.stderr
    assert "Traceback" not in result.output


def test_a_bad_setting_is_named(archive):
    error = one_line_error(backfile("status", "--archive", archive, BACKFILE_PORT="http"))
    assert error == "backfile: BACKFILE_PORT: 'http' is not a number"


@pytest.mark.model
def test_verify_finds_what_is_broken_and_repair_mends_it(archive):
    assert backfile("verify", "--archive", archive).stdout == "the archive is sound\n"
    shutil.rmtree(archive / "lexical")
    broken = backfile("verify", "--archive", archive)
    assert broken.exit_code == 1
    assert "cannot be found by words" in broken.stdout
    # --no-vectors left the meaning undone; a repair finishes it, so take the chance to check both.
    assert backfile("verify", "--repair", "--archive", archive).exit_code == 0
    assert backfile("verify", "--archive", archive).exit_code == 0
    assert json.loads(backfile("status", "--archive", archive, "--json").stdout)["coverage"] == 1


@pytest.mark.filterwarnings(
    "ignore::pytest.PytestUnraisableExceptionWarning"
)  # Whoosh leaves it open
def test_a_damaged_index_is_reported_not_raised(archive):
    for toc in (archive / "lexical").glob("*.toc"):
        toc.write_bytes(b"garbage")
    error = one_line_error(backfile("search", "ferry", "--mode", "keyword", "--archive", archive))
    assert "verify --repair" in error
    assert backfile("rebuild", "lexical", "--archive", archive).exit_code == 0
    assert backfile("search", "ferry", "--mode", "keyword", "--archive", archive).exit_code == 0


def test_a_keyword_search_imports_neither_torch_nor_chromadb(archive):
    program = (
        "import sys; from backfile.scripts.backfile import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'chromadb', 'sentence_transformers', 'flask', 'pydantic'}\n"
        "heavy &= set(sys.modules)\n"
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "search", "ferry", "--mode", "keyword"],
        env={"BACKFILE_ARCHIVE": str(archive), "PATH": "/usr/bin:/bin"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Swing bridge shut" in done.stdout


def test_the_archive_is_open_to_its_owner_alone(archive):
    assert archive.stat().st_mode & 0o077 == 0


def test_a_page_beyond_the_last_hit_says_how_many_there_are(archive):
    options = ("--mode", "keyword", "--archive", archive)
    first = json.loads(backfile("search", "ferry", *options, "--limit", "2", "--json").stdout)
    beyond = first["next"].partition("o")[0] + "o90"
    result = backfile("search", "ferry", *options, "--cursor", beyond)
    assert (result.exit_code, result.stderr) == (1, "no more hits; 3 articles in all\n")


def test_an_archive_that_is_a_file_is_an_error_in_one_line(tmp_path):
    (tmp_path / "file").write_text("x")
    stories = write_stories(tmp_path)
    error = one_line_error(backfile("index", stories, BACKFILE_ARCHIVE=str(tmp_path / "file")))
    assert "another directory with --archive" in error


@pytest.mark.parametrize(
    ("raised", "code", "said"),
    [
        (KeyboardInterrupt(), 130, "interrupted; run the same command again to go on"),
        (
            OSError(5, "Input/output error", "/x/words"),
            2,
            "/x/words: Input/output error",
        ),
        (OSError(24, "Too many open files"), 2, str(TooManyFiles())),
        (MemoryError(), 2, str(OutOfMemory())),
    ],
)
def test_what_no_part_foresees_is_one_line_and_a_code(archive, monkeypatch, raised, code, said):
    def fail(_):
        raise raised

    monkeypatch.setattr("backfile.library.open_engines", fail)
    result = backfile("status", "--archive", archive)
    assert (result.exit_code, result.stderr) == (code, f"backfile: {said}\n")


@pytest.mark.parametrize("interrupt", [None, KeyboardInterrupt()])
def test_serving_says_that_it_stopped(archive, monkeypatch, interrupt):
    def serve(_, announce):
        announce("http://here")
        if interrupt:
            raise interrupt

    monkeypatch.setattr("backfile.web.server.serve", serve)
    result = backfile("serve", "--archive", archive)
    assert (result.exit_code, result.stdout[-9:]) == (0, "\nstopped\n")
    assert logging.getLogger("waitress.queue").level == logging.ERROR


@pytest.fixture
def checkout(tmp_path):
    """scripts/serve in a checkout whose `backfile` only notes how it was called."""
    root = tmp_path / "checkout"
    for folder in ("scripts", ".venv/bin"):
        (root / folder).mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "serve", root / "scripts" / "serve")
    (root / "scripts" / "setup.sh").write_text("ensure_installed() { :; }\n")
    fake = root / ".venv" / "bin" / "backfile"
    fake.write_text(
        '#!/bin/sh\n[ "$1" = status ] && { echo "$STATUS"; exit; }\n'
        'echo "$@" >> "$CALLS"; [ "$1" = serve ] || exit "${INDEXED:-0}"\n'
    )
    fake.chmod(0o755)
    return root


def run_serve(root, *paths, status="", indexed=0):
    calls = root / "calls"
    calls.write_text("")
    done = subprocess.run(
        ["bash", root / "scripts" / "serve", *paths],
        env={
            "PATH": "/usr/bin:/bin",
            "CALLS": str(calls),
            "INDEXED": str(indexed),
            "STATUS": status,
        },
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, calls.read_text().splitlines()


@pytest.mark.parametrize(("indexed", "code"), [(0, 0), (1, 0), (2, 2), (130, 130)])
def test_the_script_serves_unless_indexing_failed_or_was_interrupted(checkout, indexed, code):
    found, calls = run_serve(checkout, "in", indexed=indexed)
    assert found == code
    assert calls == ["index in", "serve"][: 1 if code else 2]


def test_the_script_goes_on_with_what_was_interrupted(checkout):
    half = '{"articles": 6, "passages": 9, "coverage": 0.5, "generation": 3}'
    assert run_serve(checkout, status=half) == (0, ["serve"])  # it was not indexed from here
    run_serve(checkout, "in put", "/else", indexed=130)
    assert run_serve(checkout, status=half) == (0, [f"index {checkout}/in put /else", "serve"])
    assert run_serve(checkout, status=half.replace("0.5", "1.0")) == (0, ["serve"])
    assert run_serve(checkout, status=half, indexed=130)[0] == 130


@pytest.mark.parametrize("code", [0, 3])
def test_the_setup_leaves_out_only_pips_warnings_of_links_that_are_not_there(tmp_path, code):
    fake = tmp_path / "python"
    fake.write_text(
        "#!/bin/sh\necho out\n"
        "echo \"WARNING: Location 'file:///none' is ignored: it is not there\" >&2\n"
        f"echo 'ERROR: no torch' >&2\nexit {code}\n"
    )
    fake.chmod(0o755)
    program = f'set -euo pipefail; root=/x; . "{ROOT}/scripts/setup.sh"; install_pinned "{fake}" x'
    done = subprocess.run(["bash", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, "out\n", "ERROR: no torch\n")


def test_a_search_says_why_when_asked(archive):
    found = backfile("search", "swing bridge", "--why", "--mode", "keyword", "--archive", archive)
    lines = [line.strip() for line in found.stdout.splitlines()]
    assert 'why: contains "swing" and "bridge"; 1st by words' in lines
    score, parts = next(line for line in lines if line.startswith("score: ")).split(" = ")
    scores = [float(part.split(" ")[0]) for part in parts.split(" + ")]
    assert sum(scores) == pytest.approx(float(score.removeprefix("score: ")), abs=0.002)
    assert "why:" not in backfile("search", "swing bridge", "--archive", archive).stdout


DATES = """title,text,date
First,Rain fell.,04/03/2024
Second,Hail fell.,23/03/2024
Third,Snow fell.,2021-02-30
Fourth,Sun shone.,2131-05-06
Fifth,Wind blew.,spring 2024
Sixth,Fog hung.,
"""


def test_a_run_says_how_sure_its_dates_are_and_takes_their_order(tmp_path):
    (tmp_path / "news.csv").write_text(DATES)
    archive = tmp_path / "archive"
    tried = backfile("index", tmp_path / "news.csv", "--dry-run").stdout
    assert "2024-03-04  First\n            date as written: 04/03/2024; read with the day" in tried
    for said in (r"undated +3\n", r"date likely +1\n", r"date doubtful +2\n"):
        assert re.search(said, tried)
    index = ("index", tmp_path / "news.csv", "--archive", archive, "--no-vectors", "--json")
    report = json.loads(backfile(*index).stdout)
    assert (report["undated"], report["likely"], report["doubtful"]) == (3, 1, 2)
    report = json.loads(backfile(*index, "--date-order", "MDY").stdout)
    assert (report["changed"], report["likely"], report["doubtful"]) == (1, 0, 2)
    report = json.loads(backfile("reread", "--archive", archive, "--no-vectors", "--json").stdout)
    assert (report["unchanged"], report["likely"]) == (6, 0)


def test_what_has_no_date_is_found_from_the_shell_and_shown_as_it_was_written(tmp_path):
    (tmp_path / "news.csv").write_text(DATES)
    archive = tmp_path / "archive"
    backfile("index", tmp_path / "news.csv", "--archive", archive, "--no-vectors")
    answers = [
        json.loads(backfile("search", *given, "--archive", archive, "--json").stdout)
        for given in (["", "--date", "none"], ["date:none", "--mode", "keyword"])
    ]
    for answer in answers:
        titles = {hit["article"]["title"] for hit in answer["hits"]}
        assert titles == {"Third", "Fifth", "Sixth"}
    assert answers[0]["query"]["date"] == "none"
    notes = {
        hit["article"]["title"]: backfile("show", hit["article"]["id"], "--archive", archive).stdout
        for hit in answers[0]["hits"]
    }
    assert "date as written: 2021-02-30; no article can be of that day\n" in notes["Third"]
    assert "date as written: spring 2024; no date is named\n" in notes["Fifth"]
    assert "as written" not in notes["Sixth"]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)])
def test_h_asks_for_help_as_help_does(command):
    short, long = backfile(*command, "-h"), backfile(*command, "--help")
    assert short.exit_code == long.exit_code == 0
    assert short.stdout == long.stdout
    assert "-h, --help" in short.stdout


def test_a_misspelt_command_is_answered_with_the_nearest_one():
    result = backfile("serch", "ferry")
    assert result.exit_code == 2
    assert "No such command 'serch'. Did you mean 'search'?" in result.stderr
    assert "Did you mean" not in backfile("zzz").stderr


@pytest.mark.parametrize("content", [None, "", "{"])
def test_an_input_without_articles_makes_no_archive(tmp_path, content):
    news = tmp_path / "news"
    news.mkdir()
    if content is not None:
        (news / "bad.jsonl").write_text(content)
    archive = tmp_path / "var" / "archive"
    result = backfile("index", news, "--archive", archive, "--no-vectors")
    assert result.exit_code == 1
    assert f"no article was found, so no archive was made in {archive}" in result.stderr
    assert "new                   0" in result.stdout
    assert not (tmp_path / "var").exists()
    (news / "good.txt").write_text("The tide came in.\n\nThe boats went out again at noon.")
    assert backfile("index", news, "--archive", archive, "--no-vectors").exit_code in (0, 1)
    assert backfile("status", "--archive", archive).exit_code == 0


def test_json_lines_are_read_from_standard_input(tmp_path):
    archive = tmp_path / "archive"

    def given(*texts, options=()):
        lines = "".join(json.dumps({"text": text}) + "\n" for text in texts) + "no JSON\n"
        arguments = ["index", "-", "--archive", str(archive), "--no-vectors", "--json", *options]
        return CliRunner().invoke(main, arguments, input=lines)

    first = given("The ferry runs again.", "The bridge is shut.")
    assert first.exit_code == 1
    found = json.loads(first.stdout)
    assert (found["new"], [each["origin"] for each in found["refused"]]) == (2, ["<stdin>:3"])
    again = json.loads(given("The pier is green.", "The bridge is shut.").stdout)
    assert (again["new"], again["unchanged"]) == (1, 1)
    assert json.loads(backfile("status", "--archive", archive, "--json").stdout)["articles"] == 3
    assert "2 articles can be read" in given("One.", "Two.", options=["--dry-run"]).stdout


def test_a_field_with_far_more_text_than_was_read_is_named(tmp_path):
    record = {"id": "f", "title": "Ferry", "copy": "The night ferry stops in May. " * 9}
    (tmp_path / "a.json").write_text(json.dumps([record, record | {"id": "g"}]))
    tried = backfile("index", tmp_path / "a.json", "--dry-run").stdout
    assert "text thin             2\n" in tried
    assert "2  the field copy has far more text; --map text=copy\n" in tried
    index = ("index", tmp_path / "a.json", "--archive", tmp_path / "archive", "--no-vectors")
    assert json.loads(backfile(*index, "--json").stdout)["thin"] == 2
