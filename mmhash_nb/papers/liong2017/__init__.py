"""Liong, Lu, Tan and Zhou, ICCV 2017: CMDVH."""
