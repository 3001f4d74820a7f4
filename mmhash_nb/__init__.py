"""Multimodal and cross-modal hashing: four papers, their baselines, and one way to compare them."""

__version__ = "0.1.0"
