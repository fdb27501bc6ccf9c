"""Operators made of operators: variants, selections, verdicts, refinement, tools."""
