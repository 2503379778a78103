"""A scripted language model behind real wire formats, on this machine: no model, and it says so."""
