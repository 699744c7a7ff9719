"""What came of past runs, from the records in SLS."""
