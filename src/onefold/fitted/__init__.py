"""What a fit found, and how it is applied: arrays, numpy only."""
