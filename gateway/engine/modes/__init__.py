"""What a server section does with requests: one file for each kind of section, side by side."""
