"""Which runs were missed or not finished, and their start. Never calls ECS."""
