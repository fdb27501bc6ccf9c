"""The demo's exam, its ways of answering, and its picture."""
