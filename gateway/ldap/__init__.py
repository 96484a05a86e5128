"""The codec of LDAP, as far as a client needs it that searches and binds (RFC 4511, 4514, 4515). Pure."""
