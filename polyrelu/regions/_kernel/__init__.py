"""The compiled loop of the subdivision; ``loop.py`` says how it works."""
