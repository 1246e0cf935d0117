"""Reads documents: PDF, Word, OpenDocument, RTF and e-books."""
