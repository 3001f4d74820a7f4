"""Multimodal and cross-modal hashing: four papers, their baselines, and one way to compare them."""

import os

__version__ = "0.1.0"

# Threads of OpenMP sleep while they wait. By default they spin, which takes the cores from other
# work. PyTorch reads this when it is first imported, so it is set here, before any module of ours
# is; processes that we start inherit it. A value that the user has set stands.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
