"""Reads news from files of any format, as a stream of articles and refusals."""
