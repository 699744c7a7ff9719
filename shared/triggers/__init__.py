"""From an event to its runs, and from one part of a run to the next. Never lists resources."""
