"""Notebooks run headlessly: one, a batch, or many on Dask workers."""
