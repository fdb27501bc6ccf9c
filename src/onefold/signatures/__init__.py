"""Signatures: typed queries from named inputs, and typed outputs of answers."""
