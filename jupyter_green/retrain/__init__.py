"""Notebooks as parametrized, measured runs."""
