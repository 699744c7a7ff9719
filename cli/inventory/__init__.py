"""The disks of an account: what protects each, and what is missing. Only reads."""
