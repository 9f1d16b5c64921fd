"""Censuses side by side: as text, as tidy tables, as a report."""
