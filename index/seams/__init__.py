"""The protocols of the engines, and the engines of one archive together."""
