"""The papers: printed numbers, errata, protocol, claims, and ours beside them."""
