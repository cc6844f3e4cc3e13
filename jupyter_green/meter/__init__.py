"""Measuring: running totals of sensors and CPU clocks, shared out over windows of time."""
