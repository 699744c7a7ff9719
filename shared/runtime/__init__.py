"""What Function Compute and the environment give a function. Never knows what a snapshot is."""
