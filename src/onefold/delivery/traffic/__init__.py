"""What keeps calls to one deployment in order: breaker, limits, gate, retries, hedges, choice."""
