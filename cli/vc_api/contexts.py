"""The contexts that the W3C's suites and vectors use in their examples, pinned here and in no service.

They are written here with the names that those examples use: their publishers serve no file that is meant to last.
"""

from functools import lru_cache
from typing import Any, Final

from kernel.json_ld import ContextStore, pinned_contexts

EXAMPLES_V2: Final = "https://www.w3.org/ns/credentials/examples/v2"
UNDEFINED_TERMS_V2: Final = "https://www.w3.org/ns/credentials/undefined-terms/v2"
CITIZENSHIP: Final = "https://w3id.org/citizenship/v4rc1"

_SCHEMA: Final = "https://schema.org/"
_VOCABULARY: Final = "https://w3id.org/citizenship#"
_DATE_TIME: Final = "http://www.w3.org/2001/XMLSchema#dateTime"
_TYPES: Final = (
    "EmployablePerson",
    "EmploymentAuthorizationDocument",
    "EmploymentAuthorizationDocumentCredential",
    "PermanentResident",
    "PermanentResidentCard",
    "PermanentResidentCardCredential",
)


@lru_cache(maxsize=1)
def contexts_for_tests() -> ContextStore:
    """Return the pinned contexts and those of the examples."""
    return ContextStore(
        {
            **pinned_contexts().contexts,
            EXAMPLES_V2: {"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}},
            UNDEFINED_TERMS_V2: {"@context": {"@vocab": "https://www.w3.org/ns/credentials/undefined-terms#"}},
            CITIZENSHIP: _citizenship(),
        }
    )


def _citizenship() -> dict[str, Any]:
    """What the canonical forms of the published vectors show that each name means."""
    terms: dict[str, Any] = {"@protected": True, "Person": f"{_SCHEMA}Person"}
    for name in ("additionalName", "familyName", "gender", "givenName", "identifier"):
        terms[name] = f"{_SCHEMA}{name}"
    for name in (*_TYPES, "birthCountry", "commuterClassification", "lprCategory", "lprNumber"):
        terms[name] = f"{_VOCABULARY}{name}"
    for name in ("employmentAuthorizationDocument", "permanentResidentCard"):
        terms[name] = {"@id": f"{_VOCABULARY}{name}", "@type": "@id"}
    terms["birthDate"] = {"@id": f"{_SCHEMA}birthDate", "@type": _DATE_TIME}
    terms["residentSince"] = {"@id": f"{_VOCABULARY}residentSince", "@type": _DATE_TIME}
    terms["image"] = {"@id": f"{_SCHEMA}image", "@type": "@id"}
    return {"@context": terms}
