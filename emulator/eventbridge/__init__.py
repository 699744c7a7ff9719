"""EventBridge's default bus: what happens in the cloud, to the functions that want to know."""
