"""What the functions need in the account: compared, created, corrected and deleted."""
