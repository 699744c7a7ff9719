"""From an event to the runs it asks for, and from one part of a run to the next. Lists nothing."""
