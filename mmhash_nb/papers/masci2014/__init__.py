"""Masci, Bronstein, Bronstein and Schmidhuber, TPAMI 2014: MM-NN."""
