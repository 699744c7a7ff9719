"""The failure queue: what Function Compute could not carry out, and how it is sent again."""
