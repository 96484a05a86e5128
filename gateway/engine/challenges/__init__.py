"""Access-Challenges: what a person is asked, what an answer means, and the State between the two."""
