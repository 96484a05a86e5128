"""What two processes of ours must agree about: shared memory, orders, channels, and what all compute alike."""
