"""Runs of methods on datasets: protocol, find-or-train, evaluation, records, statistics."""
