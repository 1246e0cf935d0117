"""The teleprinters' formats: IPTC 7901 and ANPA 1312."""
