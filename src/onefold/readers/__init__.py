"""What makes texts comparable."""
