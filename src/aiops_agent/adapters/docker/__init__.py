"""Docker Engine: which services run, what they wrote, what changed, and hands to change them."""
