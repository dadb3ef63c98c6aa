"""Notes and rolls as files that other programs open."""
