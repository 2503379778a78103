"""SKILLS: root-cause arithmetic over what an environment lets us read; no language model."""
