"""A valid badge, its issuer and its holder, to start from; a test changes one thing."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from kernel.formats import FORMATS, ISSUABLE, IssuerIdentity, StatusReference
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset, create_achievement, create_alignment, create_evidence
from tests.support.clock import NOW

ES256 = frozenset({"ES256"})
ISSUER = IssuerIdentity("did:web:issuer.example:stmw", "did:web:issuer.example:stmw#es256-1")
STATUS = StatusReference("https://issuer.example/stmw/status/1", 48213)
VCT = "https://issuer.example/vct/skill-badge/1"
AUDIENCE = "decentralized_identifier:did:web:verifier.example:bouwbedrijf"
NONCE = "05qs59_3aPcGLRPgSOPWaQ"
SKILLS = {
    "http://data.europa.eu/esco/skill/03b9b491-fc9b-4868-914a-bf7cd47b5041": "oplossingen voor problemen creëren",
    "http://data.europa.eu/esco/skill/b6b06a8a-ad5a-48fb-a4e8-9ae3c1b4bbbb": "adviseren over personeelsbeheer",
    "http://data.europa.eu/esco/skill/15a0ee0a-a4ab-4d6b-8de4-0b8a4ce5e5e5": "wetenschappelijk onderzoek doen",
    "http://data.europa.eu/esco/skill/b9a3a4a2-1fb1-4b57-9a0f-3b1f9d7a8c8c": "rapporten schrijven",
}

ISSUER_SIGNER = SoftwareSigner.generate()
HOLDER_SIGNER = SoftwareSigner.generate()


def create_test_achievement(**changes: Any) -> dict[str, Any]:
    """Return the achievement of issue 2 with anything changed; None leaves a member out."""
    achievement = create_achievement(
        achievement_id="https://issuer.example/stmw/achievements/adviseur-lerende-regio",
        name="Adviseur Lerende Regio Maas en Waal",
        description="Deed onderzoek naar HRM-processen bij bedrijven in de regio en adviseerde daarover.",
        criteria_narrative="Een adviesrapport en een gesprek, beoordeeld door twee mensen.",
        achievement_type="Badge",
        alignments=[
            create_alignment(
                target_url=uri,
                target_name=name,
                target_framework="ESCO",
                target_code=uri.rpartition("/")[2],
                target_type="ext:ESCOAlignment",
            )
            for uri, name in SKILLS.items()
        ],
        image="https://issuer.example/stmw/achievements/adviseur-lerende-regio/image",
        language="nl",
    )
    return {name: value for name, value in {**achievement, **changes}.items() if value is not None}


def create_test_dataset(**changes: Any) -> CredentialDataset:
    """Return what the badge says about one student, with anything changed."""
    values: dict[str, Any] = {
        "achievement": create_test_achievement(),
        "issuer_profile": {
            "id": ISSUER.id,
            "type": ["Profile"],
            "name": "Stichting Stimulering Techniek Maas en Waal",
            "url": "https://stmw.example",
        },
        "person": {"given_name": "Sanne", "family_name": "de Vries", "email": "sanne@student.example"},
        "issuing_authority": "Stichting Stimulering Techniek Maas en Waal",
        "credential_id": "urn:uuid:7f0c2a1e-6d0b-4c1f-9a53-2f6f2d1b8e10",
        "evidence": [
            create_evidence(
                name="Adviesrapport",
                description="Onderzoek en advies",
                url="https://portfolio.example/rapport.pdf",
                digest="sha256-Cm0zRQVfVsuAW3kcQ4IFATejYPVM4ANEHwPG2WaaSqo=",
            )
        ],
        "awarded_at": datetime(2026, 5, 28, 10, 30, tzinfo=UTC),
    }
    return CredentialDataset(**{**values, **changes})


def issue_badge(
    format_id: str,
    *,
    dataset: CredentialDataset | None = None,
    signer: SoftwareSigner = ISSUER_SIGNER,
    holder: SoftwareSigner = HOLDER_SIGNER,
    **changes: Any,
) -> str:
    """Return an issued badge in this format."""
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "type_id": VCT,
        "status": STATUS,
        "issued_at": NOW,
        "valid_from": NOW,
        "expires_at": NOW + timedelta(days=365),
    }
    return ISSUABLE[format_id].issue(
        dataset or create_test_dataset(), signer=signer, holder_key=holder.public_key, **{**values, **changes}
    )


def present_badge(
    format_id: str,
    raw: str,
    *,
    disclose: Sequence[tuple[str | int | None, ...]] = (),
    holder: SoftwareSigner = HOLDER_SIGNER,
    **changes: Any,
) -> str:
    """Return a presentation of these paths of a badge."""
    values: Mapping[str, Any] = {"audience": AUDIENCE, "nonce": NONCE, "now": NOW}
    return FORMATS[format_id].present(raw, disclose=disclose, holder_signer=holder, **{**values, **changes})
