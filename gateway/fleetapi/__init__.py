"""What the hosts of a fleet say to each other and to their store, without any I/O."""
