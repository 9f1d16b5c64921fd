"""The command line: one module per verb; parse, call, write. No mathematics."""
