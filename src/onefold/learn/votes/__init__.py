"""How votes are fitted: samples, choices, skills from agreement, what they begin with."""
