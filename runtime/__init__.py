"""How a service runs: settings, database, outbound requests, error shapes, the web shell.

Nothing here knows what a credential is. The guard on outbound requests, the commit rule and the
error shapes exist once, here, and the three services use them directly.
"""
