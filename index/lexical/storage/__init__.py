"""How posting lists are kept, in files that Whoosh knows."""
