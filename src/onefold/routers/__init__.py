"""Who should answer."""
