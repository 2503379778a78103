"""Builds the house: settings in, a working service out; the only caller of constructors."""

from aiops_agent.bootstrap.house import House, house

__all__ = ["House", "house"]
