"""Reads news from files: any format in, a stream of articles and refusals out."""
