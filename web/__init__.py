"""The web interface: Flask pages and the JSON API. Imports `archive` and `index`."""
