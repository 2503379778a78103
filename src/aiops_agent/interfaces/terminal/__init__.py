"""What people see in a terminal: nouns in, rich renderables out; only `follow` prints."""
