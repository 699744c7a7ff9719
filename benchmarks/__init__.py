"""Numbers, side by side with the naive way, in the same run; never part of the tests."""
