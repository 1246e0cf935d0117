"""The stock engines that `backfile benchmark` times beside our own, on the same passages."""
