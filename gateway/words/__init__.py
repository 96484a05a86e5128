"""What people read: reasons, and what each word of the log means."""
