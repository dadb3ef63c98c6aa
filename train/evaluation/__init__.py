"""Thresholds and scores, and pictures of them."""
