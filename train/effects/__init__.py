"""What instruments, rooms and recordings do to a sound, and to its CQT."""
