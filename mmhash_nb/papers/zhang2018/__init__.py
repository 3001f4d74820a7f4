"""Zhang, Lai and Feng, ECCV 2018: AADAH."""
