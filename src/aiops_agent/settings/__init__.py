"""SETTINGS: every knob, read once at start; nobody else reads the environment."""
