"""Coverage-guided fuzzing of what hostile octets reach first; run by hand, its findings become vectors."""
