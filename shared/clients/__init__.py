"""The modules that import the SDKs, and pacing. Never decides which disks get a snapshot."""
