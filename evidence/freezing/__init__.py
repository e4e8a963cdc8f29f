"""Freezes what is known at a time into a snapshot; `freeze` is the way in."""
