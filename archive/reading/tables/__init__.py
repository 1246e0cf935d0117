"""Reads tables: text with delimiters, SQLite, Parquet."""
