"""Pools that read in this process what others would read, and say what they were given."""

import pickle
from types import SimpleNamespace

from backfile.archive.model.article import Article


def told(found):
    """All of an article or a refusal, to be compared."""
    return found if isinstance(found, Article) else (type(found), vars(found))


class CountingPool:
    """Calls functions at once, with copies of what crosses, as another process would get them."""

    def __init__(self):
        self.calls = []

    def submit(self, function, lot):
        self.calls.append((function.__name__, len(lot)))
        found = pickle.loads(pickle.dumps(function(pickle.loads(pickle.dumps(lot)))))
        return SimpleNamespace(result=lambda: found)


class WaitingPool:
    """Calls functions when their results are waited for; `most` of these are held at once."""

    def __init__(self):
        self.held = self.most = 0

    def submit(self, function, lot):
        self.held += 1
        self.most = max(self.most, self.held)
        return SimpleNamespace(result=lambda: self.done(function, lot))

    def done(self, function, lot):
        self.held -= 1
        return function(lot)
