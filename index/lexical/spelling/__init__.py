"""Words as they are spelt: which there are, and which are spelt nearly so."""
