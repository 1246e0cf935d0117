"""The help page: the query language with examples, and how hits, copies and the timeline work."""
