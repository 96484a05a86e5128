"""NTLMv2 for a client that binds to a directory (MS-NLMP, RFC 4178): no NTLMv1, no LM hash. Pure."""
