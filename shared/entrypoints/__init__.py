"""One invocation of a function: read the event, call the room that acts, answer or raise."""
