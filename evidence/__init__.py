"""The record that a debate's figures are checked against, and the checker. Pure: no database, network or model."""
