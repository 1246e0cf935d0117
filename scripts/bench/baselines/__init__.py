"""The baselines: stock engines that the benchmark times beside ours, on the same passages."""
