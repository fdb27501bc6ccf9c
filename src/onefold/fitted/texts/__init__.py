"""What can be seen in texts: words, and how they look."""
