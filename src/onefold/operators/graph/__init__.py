"""Graphs of operators: named nodes that run as a dataflow, without barriers."""
