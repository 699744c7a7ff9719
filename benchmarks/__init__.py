"""Benchmarks, each compared with naive code in the same run; never part of the tests."""
