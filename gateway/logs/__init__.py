"""Log lines: what they look like, and the files they go to. Many processes append to one file, a line at a time."""
