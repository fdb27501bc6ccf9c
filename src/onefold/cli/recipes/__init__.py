"""Commands that look at a recipe and ask nobody."""
