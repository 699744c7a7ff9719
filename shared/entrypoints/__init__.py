"""One invocation: read the event, call other rooms, answer or raise. Never decides about a disk."""
