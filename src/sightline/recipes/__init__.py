"""Systems that are trained: one file each, whose header is a lab note; `sightline train NAME` runs its `run`."""
