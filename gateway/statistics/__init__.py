"""What is counted: where each number stands, who writes it, how it is read."""
