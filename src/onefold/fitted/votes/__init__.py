"""Votes at work: what is known of members, and what speaks for a candidate."""
