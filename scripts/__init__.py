"""What a person runs: `serve`, `test`, and the `backfile` command."""
