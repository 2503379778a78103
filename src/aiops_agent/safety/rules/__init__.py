"""Written policy as code: one rule, one file, one function `Case -> Opinion | None`."""
