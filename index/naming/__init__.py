"""Finds the names of people, organisations and places in articles."""
