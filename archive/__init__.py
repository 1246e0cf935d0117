"""Articles: their model, readers of formats, and the store. Imports neither `index` nor `web`."""
