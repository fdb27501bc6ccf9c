"""Fits routers: who should be asked."""
