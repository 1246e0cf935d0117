"""Reads a file in a separate process, within limits of memory and time.

A damaged file may crash a library's C++, and a file made to do harm may claim gigabytes or hours.
"""

import io
import json
import signal
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import Any

PROGRAM = "import sys; sys.path[:] = {path!r}; from {module} import main; main()"
TOO_MUCH = "damaged, or made to do harm: reading on took too long or too much memory"
Message = dict[str, Any]
Source = Path | io.BytesIO


@contextmanager
def reading(module: str, found: Path | bytes, *arguments: str) -> Iterator[Iterator[Message]]:
    """Start `main` of a module with a file or its path; it writes messages as lines of JSON.

    Its arguments are the path, or an empty string where the file is on its standard input, and
    `arguments`.
    """
    program = PROGRAM.format(path=sys.path, module=module)
    # Only the path of the file is in the command, and there is no shell.
    given = str(found) if isinstance(found, Path) else ""
    command = [sys.executable, "-c", program, given, *arguments]
    with Popen(command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL) as process:  # noqa: S603
        try:
            if process.stdin and process.stdout:
                with suppress(BrokenPipeError), process.stdin:
                    process.stdin.write(b"" if isinstance(found, Path) else found)
                yield (json.loads(line) for line in process.stdout if line.endswith(b"\n"))
        finally:
            process.kill()


def messages_from(module: str, found: Path | bytes, *arguments: str) -> Iterator[Message]:
    """The messages of a module, each with a `number`, until one says `end`; else a last refusal."""
    number = 0
    with reading(module, found, *arguments) as messages:
        for message in messages:
            if "end" in message:
                return
            number = message.get("number", number)
            yield message
    yield {"number": number + 1, "refused": TOO_MUCH}


def limit(memory: int, seconds: int) -> None:
    """Limit this process to so many bytes of memory, and to `seconds` until `allow_time`."""
    try:
        import resource
    except ImportError:  # on Windows
        return
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    allow_time(seconds)


def allow_time(seconds: int) -> None:
    """Restart the alarm, which ends this process even within C++."""
    if hasattr(signal, "alarm"):
        signal.alarm(seconds)


def write(messages: Iterable[Message], seconds: int) -> None:
    """Write messages to standard output; each may take so many seconds.

    Each is on its way before the next one is made: none is lost where that ends this process.
    """
    for message in messages:
        sys.stdout.write(json.dumps(message, default=str) + "\n")
        sys.stdout.flush()
        allow_time(seconds)
