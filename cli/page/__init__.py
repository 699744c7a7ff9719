"""The page of `ecsnap coverage --html`: one file that needs nothing else. Never calls a service."""
