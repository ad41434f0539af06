"""The contexts of published test vectors, pinned for tests alone: written here with the names those vectors use."""

from typing import Any

from kernel.json_ld import ContextStore, pinned_contexts

EXAMPLES_V2 = "https://www.w3.org/ns/credentials/examples/v2"
CITIZENSHIP = "https://w3id.org/citizenship/v4rc1"

_SCHEMA = "https://schema.org/"
_VOCABULARY = "https://w3id.org/citizenship#"
_DATE_TIME = "http://www.w3.org/2001/XMLSchema#dateTime"
_TYPES = (
    "EmployablePerson",
    "EmploymentAuthorizationDocument",
    "EmploymentAuthorizationDocumentCredential",
    "PermanentResident",
    "PermanentResidentCard",
    "PermanentResidentCardCredential",
)


def _citizenship() -> dict[str, Any]:
    """What the canonical forms of the vectors show that each name means."""
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


def vector_contexts() -> ContextStore:
    """Return the pinned contexts and those of the vectors."""
    return ContextStore(
        {
            **pinned_contexts().contexts,
            EXAMPLES_V2: {"@context": {"@vocab": "https://www.w3.org/ns/credentials/examples#"}},
            CITIZENSHIP: _citizenship(),
        }
    )
