"""The doors to what is not ours, one file for each outside system. Nothing else opens a connection to it."""
