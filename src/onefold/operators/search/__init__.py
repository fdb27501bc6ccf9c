"""Search guided by rewards: strategies over one tree of partial answers."""
