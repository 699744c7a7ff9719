"""The surroundings of a function: FC's context, settings, clock. Never knows what a snapshot is."""
