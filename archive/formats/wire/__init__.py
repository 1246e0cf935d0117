"""Reads the formats of news agencies: NewsML-G2, NewsML 1, NITF, ninjs, IPTC 7901 and ANPA."""
