"""An LDAP directory of the bench's own, with the answers of Active Directory: for the demo, tests and loads.

It knows simple binds, those by NTLMv2, and searches, in the clear, with StartTLS and over TLS, and is as quick as it is
simple: nobody measures it. Each bind is counted, by whose it was.
"""
