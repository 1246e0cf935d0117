"""What a run is doing, as whoever watches it is told."""

from enum import StrEnum
from typing import Protocol


class Stage(StrEnum):
    """What is being done, as a progress bar names it."""

    READING = "reading"
    WORDS = "words"
    MEANING = "meaning"
    SEALING = "neighbours"


class Progress(Protocol):
    """Is told how far a stage of a run has come: in bytes when reading, else in passages.

    Stages overlap, so it is called from more than one thread.
    """

    def __call__(self, stage: Stage, done: int, total: int) -> None: ...
