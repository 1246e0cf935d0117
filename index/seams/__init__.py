"""What search and indexing need of an engine, and the engines of one archive together."""
