"""Promises: plain Python whose calls run side by side, as far as their data allows."""
