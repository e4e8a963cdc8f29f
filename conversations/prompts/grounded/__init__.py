"""Speeches of the local model whose figures are those of the record, as literals of a grammar."""
