"""The past, replayed: what would have been said of each alert then. It can only read."""
