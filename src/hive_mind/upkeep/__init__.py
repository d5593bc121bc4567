"""Keeping the house: what takes how much disk, backup and restore."""
