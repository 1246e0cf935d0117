"""Makes a small archive with the code of one commit, to be kept for the tests of upgrades.

    python -m tests.releases.make NAME                             # by the code of this checkout
    python -m tests.releases.make NAME --code DIR --module MODULE  # by that of another one

NAME.tar.xz, beside this module, then has three entries:

- `news/`: the files that were indexed, about a dozen articles of the sample archive in the formats
  whose ids and dates are most likely to be read differently one day;
- `archive/`: the archive. One article was corrected, one withdrawn by its source, one is there in
  two versions, one was removed, and two are copies of a story;
- `again.json`: what this code reports when it indexes `news/` once more.

The exported model (90 MB) is left out: a release makes it again, or the test brings one.
"""

import argparse
import email.message
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from html import escape
from pathlib import Path

HERE = Path(__file__).parent
SAMPLE = HERE.parent.parent / "scripts" / "sample"
LEFT_OUT = ("query-graph", "writer.lock")
REMOVED = "cc-2024-002"
CORRECTED = "cc-2023-001"
SCRAP = "sold the last shackle"  # added by the correction
WITHDRAWN = "urn:example:withdrawn"
IN_TWO_VERSIONS = "urn:example:two-versions"


def sample(name: str) -> dict[str, dict]:
    lines = (SAMPLE / name).read_text().splitlines()
    return {record["id"]: record for record in map(json.loads, lines)}


def ninjs(uri: str, version: int, record: dict, status: str = "usable") -> str:
    item = {"uri": uri, "type": "text", "version": str(version), "pubstatus": status}
    item |= {"versioncreated": f"2024-02-0{version}T08:00:00Z", "language": "en"}
    return json.dumps(item | {"headline": record["title"], "body_text": record["text"]})


def mail(record: dict) -> bytes:
    made = email.message.EmailMessage()
    made["From"] = "Desk <desk@courier.example>"
    made["Date"] = "Tue, 12 Mar 2024 09:30:00 +0100"
    made["Message-ID"] = "<mail-1@courier.example>"
    made["Subject"] = record["title"]
    made.set_content(record["text"])
    return bytes(made)


def feed(*records: dict) -> str:
    items = "".join(
        f"<item><title>{escape(each['title'])}</title><guid>{each['url']}</guid>"
        f"<link>{each['url']}</link><pubDate>Mon, 04 Mar 2024 0{n}:00:00 GMT</pubDate>"
        f"<description>{escape(each['text'])}</description></item>"
        for n, each in enumerate(records, 1)
    )
    return f'<rss version="2.0"><channel><title>Courier</title>{items}</channel></rss>'


def page(record: dict) -> str:
    paragraphs = "".join(f"<p>{escape(each)}</p>" for each in record["text"].split("\n\n"))
    return (
        f'<html lang="en"><head><title>{escape(record["title"])}</title>'
        f'<link rel="canonical" href="{record["url"]}">'
        '<meta property="article:published_time" content="2024-04-02T10:00:00Z"></head>'
        f"<body><article><h1>{escape(record['title'])}</h1>{paragraphs}</article></body></html>"
    )


def write_first(news: Path) -> None:
    """Write the folder as it is indexed first."""
    courier, hafenbote = sample("coastal-courier.jsonl"), sample("hafenbote.jsonl")
    other = {n: courier[f"cc-2024-00{n}"] for n in range(1, 7)}
    (news / "plain").mkdir(parents=True)
    (news / "wire").mkdir()

    def write_lines(name: str, *records: dict) -> None:
        (news / name).write_text("".join(json.dumps(each) + "\n" for each in records))

    write_lines("courier.jsonl", courier[CORRECTED], courier["cc-2023-002"])
    write_lines("hafenbote.jsonl", hafenbote["hb-2023-001"])
    write_lines("removed.jsonl", courier[REMOVED])
    # Two copies of one story, in files without an id.
    for name in ("2023/003-swing-bridge-closed.txt", "2023/007-tortoise.txt"):
        shutil.copy(SAMPLE / "harrow-bay-gazette" / name, news / "plain")
    story = (news / "plain" / "003-swing-bridge-closed.txt").read_text()
    (news / "plain" / "reprint.md").write_text(f"# Bridge closed\n\nReprinted. {story}")
    (news / "page.html").write_text(page(other[1]))
    (news / "mail.eml").write_bytes(mail(other[3]))
    (news / "feed.xml").write_text(feed(other[4], other[5]))
    cells = {"title": "Ticks", "date": "4/11/2023", "body": courier["cc-2023-003"]["text"]}
    cells = {name: '"' + value.replace('"', '""') + '"' for name, value in cells.items()}
    (news / "table.csv").write_text(f"{','.join(cells)}\n{','.join(cells.values())}\n")
    for version in (1, 2):
        item = ninjs(IN_TWO_VERSIONS, version, other[6] | {"title": f"Six, edition {version}"})
        (news / "wire" / f"two-{version}.json").write_text(item)
    withdrawn = ninjs(WITHDRAWN, 1, hafenbote["hb-2023-002"])
    (news / "wire" / "withdrawn-1.json").write_text(withdrawn)


def change(news: Path) -> None:
    """Correct one article, and withdraw another one."""
    path = news / "courier.jsonl"
    first, *rest = path.read_text().splitlines(keepends=True)
    record = json.loads(first)
    record["text"] += f"\n\nThe shop has {SCRAP}."
    path.write_text("".join([json.dumps(record) + "\n", *rest]))
    item = ninjs(WITHDRAWN, 2, {"title": "", "text": ""}, status="canceled")
    (news / "wire" / "withdrawn-2.json").write_text(item)


def make(target: Path, code: Path, module: str) -> None:
    """Make the archive, and pack it."""
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        news, archive = root / "news", root / "archive"
        environment = os.environ | {
            "PYTHONPATH": os.pathsep.join((str(code / ".types"), str(code)))
        }

        def backfile(*arguments: object) -> str:
            command = [
                sys.executable,
                "-m",
                module,
                *map(str, arguments),
                "--archive",
                str(archive),
            ]
            made = subprocess.run(
                command, cwd=root, env=environment, check=False, capture_output=True, text=True
            )
            if made.returncode not in (0, 1):  # 1 is that some files are refused
                raise SystemExit(f"{' '.join(command)}: {made.stderr}")
            return made.stdout

        write_first(news)
        backfile("index", news, "--quiet", "--no-vectors")
        change(news)
        backfile("index", news, "--quiet", "--no-vectors")
        backfile("remove", REMOVED)
        (news / "removed.jsonl").unlink()
        backfile("index", news, "--quiet")
        again = backfile("index", news, "--quiet", "--json", "--no-vectors")
        (root / "again.json").write_text(again)
        for name in LEFT_OUT:
            path = archive / name
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        with tarfile.open(target, "w:xz", preset=9) as packed:
            for name in ("news", "archive", "again.json"):
                packed.add(root / name, name, filter=_anonymous)


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    return entry


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("name", help="the commit that the code is of")
    parser.add_argument("--code", type=Path, default=HERE.parent.parent, help="its checkout")
    parser.add_argument("--module", default="backfile.scripts.backfile", help="its command")
    given = parser.parse_args()
    make(HERE / f"{given.name}.tar.xz", given.code.resolve(), given.module)
