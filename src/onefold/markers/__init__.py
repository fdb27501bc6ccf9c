"""How good each step of an answer is."""
