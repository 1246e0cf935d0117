"""The stock engines that the benchmark times beside our own, on the same passages."""
