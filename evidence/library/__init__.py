"""Figures that come with Outcry: prices, exchange rates and statistics whose licence allows it."""
