"""Studies: one package per paper, each from settings to records, figures and a verdict."""
