"""Language models: the providers that answer, and what a request to them costs."""
