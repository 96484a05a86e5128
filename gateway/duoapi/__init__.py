"""The codec of Duo's Auth API: calls to requests, and what comes back to answers, in both versions. Pure."""
