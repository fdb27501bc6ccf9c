"""Drafts that models once gave, as tables."""
