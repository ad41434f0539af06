"""A VC API for tests alone, so that the W3C's interoperability suites can be pointed at our kernel. PROFILE.md V-44.

It signs whatever it is sent, with keys that die with the process. No service has it: `skillswallet vc-api` starts it by
itself, once `VC_API_ENABLED_FOR_TESTS` says so.
"""
