"""Searching for the panel that is worth most, and promising only what it will keep."""
