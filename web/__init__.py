"""How the archive is shown: Flask pages and the JSON API. Imports `archive` and `index`."""
