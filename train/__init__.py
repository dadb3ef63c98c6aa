"""Training and scoring, as ``python -m train``."""
