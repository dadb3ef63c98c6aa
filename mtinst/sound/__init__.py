"""Notes as sound."""
