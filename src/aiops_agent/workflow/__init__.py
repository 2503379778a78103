"""THE STORY: the only floor that knows the order of things, and the only home of DBOS."""
