"""CATALOGUE: one file per kind of cause; each returns the suspicions that a case allows."""
