"""Commands that learn from recordings, and those that measure what was learned."""
