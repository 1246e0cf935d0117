"""What an article is, how it is read, and where it is kept. Imports neither `index` nor `web`."""
