"""Operators: everything that answers."""
