"""Zeng et al., 2019 and 2022: MAH."""
