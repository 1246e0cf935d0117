"""Recognises the text of scanned pages with tesseract, which is a program of its own (OCR).

https://tesseract-ocr.github.io/; it writes hOCR, of which the lines have places and sizes.
"""

import re
import shutil
import subprocess
from typing import Any

from backfile.archive.formats.documents.page_layout import Line
from backfile.archive.formats.documents.scans import lines_in, paragraphs_in
from backfile.archive.formats.wire.xml import parsed
from backfile.archive.model.errors import BadSetting, UnreadableArticle

PROGRAM = "tesseract"
RESOLUTION = 300  # dots an inch, which tesseract is made for
POINTS = 72  # an inch
MOST_DOTS = 40_000_000  # of a page, a byte each; a page of a broadsheet has 28 million at 240 dpi
MOST_SECONDS = 60  # for a page; a dense one takes about 20
LANGUAGES = re.compile(r"[A-Za-z][\w/]*(?:\+[A-Za-z][\w/]*)*", re.A)
BOX = re.compile(r"\bbbox (\d+) (\d+) (\d+) (\d+)")
SIZE = re.compile(r"\bx_size (\d+(?:\.\d+)?)")
GONE = "the program stopped without an answer"


def find_program(languages: str) -> str:
    """The path of tesseract, which knows these languages, as in `deu+eng`; raise BadSetting."""
    if not LANGUAGES.fullmatch(languages):
        reason = f"{languages!r} is no list of languages such as `deu+eng`"
        raise BadSetting("BACKFILE_OCR_LANGUAGES", reason)
    program = program_path()
    if not program:
        raise BadSetting("--ocr", f"needs {PROGRAM}, which is not installed")
    listed = subprocess.run(  # noqa: S603
        [program, "--list-langs"], capture_output=True, text=True, errors="replace", check=False
    )
    known = [line.strip() for line in (listed.stdout or listed.stderr).splitlines()[1:]]
    for language in languages.split("+"):
        if language not in known:
            reason = f"{PROGRAM} has no data for {language!r}, but for: {', '.join(known)}"
            raise BadSetting("BACKFILE_OCR_LANGUAGES", reason)
    return program


def program_path() -> str:
    """The path of tesseract; empty if it is not installed."""
    return shutil.which(PROGRAM) or ""


def recognised(page: Any, program: str, languages: str) -> list[Line]:
    """The lines on a page of pypdfium2, in reading order; raise UnreadableArticle."""
    width, height = page.get_size()
    scale = min(RESOLUTION / POINTS, (MOST_DOTS / max(width * height, 1)) ** 0.5)
    bitmap = page.render(scale=scale, grayscale=True)
    dots = bytes(bitmap.buffer)
    rows = (dots[n * bitmap.stride :][: bitmap.width] for n in range(bitmap.height))
    # The simplest format of a picture: https://netpbm.sourceforge.net/doc/pgm.html
    picture = b"P5 %d %d 255\n" % (bitmap.width, bitmap.height) + b"".join(rows)
    bitmap.close()
    command = [program, "-", "-", "-l", languages, "--dpi", str(round(scale * POINTS)), "hocr"]
    try:
        done = subprocess.run(  # noqa: S603
            command, input=picture, capture_output=True, timeout=MOST_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as exc:
        raise UnreadableArticle("", f"{PROGRAM} took more than {MOST_SECONDS} seconds") from exc
    if done.returncode or not done.stdout:
        said = done.stderr.decode("utf-8", "replace").strip().splitlines() or [GONE]
        raise UnreadableArticle("", f"{PROGRAM} failed ({said[-1][:120]})")
    return _lines(parsed(done.stdout.decode("utf-8", "replace"), ""), scale, height)


def _lines(tree: Any, scale: float, height: float) -> list[Line]:
    found = []
    for paragraph in paragraphs_in(tree):
        begins = True
        for element, text in lines_in(paragraph):
            about = element.get("title") or ""
            if text and (box := BOX.search(about)):
                left, top, right, bottom = (int(number) / scale for number in box.groups())
                size = SIZE.search(about)
                tall = float(size[1]) / scale if size else bottom - top
                low = height - bottom
                found.append(Line(left, low, right, low + tall, text, begins=begins))
                begins = False
    return found
