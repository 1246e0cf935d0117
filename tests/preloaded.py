"""What each process that a test starts has already loaded: it would take seconds in each of them.

The server that they are forked from imports this module.
"""

import chromadb
import pytest

from backfile.archive.formats.languages import detected
from tests import builders

__all__ = ["builders", "chromadb", "pytest"]

detected("Die Fähre über die Asche fährt im Mai zum letzten Mal.")  # loads the model of languages
