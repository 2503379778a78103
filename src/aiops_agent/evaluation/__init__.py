"""HOW GOOD ARE WE: what is broken in each scenario, what a good engineer would find, the score."""
