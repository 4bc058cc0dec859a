"""Doors on the network: a store as a git remote."""
