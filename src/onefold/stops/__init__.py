"""When it is enough."""
