"""Modules: a model with what it is told and what it is asked."""
