"""HTTP as the wires use it: one transport, one stream parser, keys, and failures in one wording."""
