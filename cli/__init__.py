"""The operator's command; never ships with a function."""
