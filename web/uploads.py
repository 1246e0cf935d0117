"""Receives the bodies of uploads: to a file beside the archive, from those who have the token.

Waitress reads whole bodies before a request is answered, and all other bodies are small. Here the
head of a request decides: a write without the token is answered at once and its body is not read;
`POST /api/articles` may be large, and its body goes to a file on the archive's own disk, which has
no name and so ends with the process.
"""

import copy
import io
import threading
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from waitress.adjustments import Adjustments

from backfile.archive.model.errors import means_full
from backfile.archive.store.trust import make_private_folder
from backfile.web.api.tokens import is_authorized

ARTICLES = "/api/articles"
AT_ONCE = 2  # uploads; their copies at the end take half of the requests at work on two cores
SLOWEST = 16 << 10  # bytes a second of an upload, on the average


class Refused(io.BytesIO):
    """The body of an upload that was not received; `refusal` is "busy" or "full"."""

    def __init__(self, refusal: str) -> None:
        super().__init__()
        self.refusal = refusal


class Body:
    """The body of an upload in a file: a buffer, as Waitress has them, and what is read of it."""

    def __init__(self, uploads: "Uploads") -> None:
        self._uploads = uploads
        self._file = TemporaryFile(dir=uploads.folder, prefix="upload-")  # noqa: SIM115, see close
        self._size = 0
        self.is_full = False

    def append(self, some: bytes) -> None:
        """Add bytes; from the first that the disk has no room for, drop them."""
        if self.is_full:
            return
        try:
            self._file.write(some)
            self._size += len(some)
        except OSError:
            self.is_full = True

    def __len__(self) -> int:
        return self._size

    def getfile(self) -> "Body":
        """Be read from the beginning."""
        self._file.seek(0)
        return self

    def read(self, size: int = -1) -> bytes:
        return self._file.read(size)

    def close(self) -> None:
        """Give the room back; closing twice does no harm."""
        if not self._file.closed:
            self._uploads.end()
            with suppress(OSError):  # what was not written yet has no room
                self._file.close()


class Uploads:
    """The uploads that one server receives."""

    def __init__(self, folder: Path, token: str, most: int) -> None:
        """Receive at most `most` bytes each, in files of this folder, with this token."""
        self.folder = folder
        self._token = token
        self._most = most
        self._lock = threading.Lock()
        self._active = 0

    def is_write(self, method: str, path: str) -> bool:
        """Whether a request writes."""
        return method in ("PUT", "POST", "DELETE") and (
            path == ARTICLES or path.startswith(f"{ARTICLES}/")
        )

    def is_upload(self, method: str, path: str) -> bool:
        """Whether a request may have a large body."""
        return method == "POST" and path == ARTICLES

    def admits(self, authorization: str) -> bool:
        """Whether a request has the token."""
        return is_authorized(authorization, self._token)

    def begin(self) -> Body | Refused:
        """Begin to receive a body, unless there are too many, or no file can be made."""
        with self._lock:
            if self._active >= AT_ONCE:
                return Refused("busy")
            self._active += 1
        try:
            make_private_folder(self.folder)
            return Body(self)
        except OSError as exc:
            self.end()
            # Of an archive that cannot be written to, the application says so.
            return Refused("full" if means_full(exc) else "")

    def end(self) -> None:
        """End an upload."""
        with self._lock:
            self._active -= 1

    def adjusted(self, usual: Adjustments) -> Adjustments:
        """Waitress's limits for an upload."""
        adjusted: Any = copy.copy(usual)
        adjusted.max_request_body_size = self._most + 1
        return adjusted
