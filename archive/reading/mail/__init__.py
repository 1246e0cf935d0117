"""Reads mail, as newsletters come: single messages and mailboxes."""
