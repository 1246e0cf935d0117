"""Words as the languages have them: folded, stemmed, cut into pairs."""
