"""Notation: an operator in one line of text, and the line of an operator."""
