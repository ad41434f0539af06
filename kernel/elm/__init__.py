"""The European Learning Model: a microcredential as a European Digital Credential, and back. PROFILE.md E-10, E-11."""

from kernel.elm.reading import read_elm_credential
from kernel.elm.writing import CONTEXT, SCHEMA, create_elm_credential

__all__ = ["CONTEXT", "SCHEMA", "create_elm_credential", "read_elm_credential"]
