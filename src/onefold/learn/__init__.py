"""Fits parts to recorded outcomes."""
