"""Reads tables: delimited text, SQLite, Parquet."""
