"""Says what an answer lacks while a part of a divided archive does not answer: whatever it is.

A page has a note at its top, and every answer a header. It has no ETag, as it may become whole
without a change of the archive, and a file says in its name that it is incomplete.
"""

from flask import Flask, Response, g, has_request_context

from backfile.archive.model.message import Message

HEADER = "Backfile-Incomplete"
RETRY = 5  # seconds after which a part may be there again


def note_missing(note: Message) -> None:
    """Note what the answer to the request of this thread lacks."""
    if has_request_context():
        g.missing_parts = note
        g.passing = True


def missing_parts() -> Message | None:
    """What the present answer lacks; None if nothing is known to be missing."""
    if not has_request_context():
        return None
    note: Message | None = g.get("missing_parts")
    return note


def register(app: Flask) -> None:
    """Add `missing_parts()` to templates, and a header to answers that lack something."""

    @app.after_request
    def say_so(response: Response) -> Response:
        if note := missing_parts():
            response.headers[HEADER] = str(note)
        return response

    app.jinja_env.globals["missing_parts"] = missing_parts
