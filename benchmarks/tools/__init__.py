"""Adapters to other public tools."""
