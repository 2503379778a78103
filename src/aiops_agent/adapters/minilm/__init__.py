"""all-MiniLM-L6-v2 from a folder: sentences as vectors, in numpy alone."""
