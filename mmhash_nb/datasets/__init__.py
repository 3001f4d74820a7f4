"""Datasets by name: `load` and `available`."""
