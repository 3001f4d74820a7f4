"""Every method of every paper under one protocol."""
