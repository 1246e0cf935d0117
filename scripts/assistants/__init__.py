"""Tools for language models: what they may ask of an archive, and the server they ask."""
