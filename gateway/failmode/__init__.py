"""Whether Duo is there, and what follows when it is not: pure."""
