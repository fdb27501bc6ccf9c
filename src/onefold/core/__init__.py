"""Values, errors and their spelling; no input or output."""
