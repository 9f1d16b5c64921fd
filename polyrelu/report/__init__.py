"""Records become text, tables and figures. Numbers and pictures apart: a display only draws."""
