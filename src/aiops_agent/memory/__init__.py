"""SKILLS: what was learnt from incidents that ended."""
