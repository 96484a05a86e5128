"""The report of a run: figures as JSON, and a page made from nothing but that JSON."""
