"""The version number, importable without anything else (packaging reads it)."""

__version__ = "0.1.0"
