"""The only modules that import the SDKs, and pacing. Never decides what to snapshot."""
