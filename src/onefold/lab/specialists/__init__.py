"""Members that each know one thing best: how they are chosen, and what that was worth."""
