"""What one worker costs: CPU of a login, start and memory, floods, and whether a login becomes dearer with growth."""
