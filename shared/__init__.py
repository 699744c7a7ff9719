"""
What ships with every function: from an event's bytes to snapshots and records.

`entrypoints` reads the invocation. `triggers` turns the event into runs, by the `policies`. For
each run `snapshots` lists the disks and the existing snapshots through `clients`, and asks ECS for
the missing ones under the tokens and tags of `identity`. `records` writes what became of each
disk to SLS. `completions` records how each snapshot ended, and `recovery` starts what did not
begin or did not end. `runtime` is what Function Compute gives, `validation` the rules of every
input, `errors` the base of all errors.
"""

from shared.runtime import lazy_imports, python_check

# Before any module here imports an SDK.
python_check.check()
lazy_imports.install()
