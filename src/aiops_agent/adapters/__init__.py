"""OUTSIDE: one file or folder per vendor, unaware of each other."""
