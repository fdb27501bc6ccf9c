"""Puts the stage, on which models play scenes, within reach of the tests in folders below."""
