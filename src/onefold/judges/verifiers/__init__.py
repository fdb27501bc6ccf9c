"""Judges that check how an answer came about, or what it comes to."""
