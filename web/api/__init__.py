"""The interface for programs: JSON, feeds, exports, citations."""
