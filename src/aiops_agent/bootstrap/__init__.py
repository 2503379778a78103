"""Builds the application: settings in, a working service out; the only caller of constructors."""
