"""A badge with every member that Open Badges 3.0 has, and an endorser who speaks for it."""

from datetime import timedelta
from typing import Any

from kernel.data_integrity import add_proof
from kernel.did import did_key
from kernel.endorsement import create_endorsement
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset, create_identity_object
from tests.support.badges import ISSUER, create_test_achievement, create_test_dataset
from tests.support.clock import NOW

ENDORSER_SIGNER = SoftwareSigner.generate("Ed25519")
ENDORSER = did_key(ENDORSER_SIGNER.public_key.jwk)
ENDORSER_KEY = f"{ENDORSER}#{ENDORSER.removeprefix('did:key:')}"
ACHIEVEMENT_ID = create_test_achievement()["id"]
CREDENTIAL_ID = create_test_dataset().credential_id

LEVELS = [
    {
        "id": f"urn:uuid:level-{number}",
        "type": ["RubricCriterionLevel"],
        "name": name,
        "level": str(number),
        "points": str(number * 10),
        "description": f"Niveau {number}",
        "alignment": [{"type": ["Alignment"], "targetName": name, "targetUrl": f"https://rubric.example/{number}"}],
    }
    for number, name in enumerate(["Onvoldoende", "Voldoende", "Goed"], 1)
]
DESCRIPTIONS = [
    {
        "id": "urn:uuid:rubric",
        "type": ["ResultDescription"],
        "name": "Eindbeoordeling",
        "resultType": "RubricCriterionLevel",
        "requiredLevel": "urn:uuid:level-2",
        "rubricCriterionLevel": LEVELS,
        "alignment": [{"type": ["Alignment"], "targetName": "Rubriek", "targetUrl": "https://rubric.example/"}],
    },
    {
        "id": "urn:uuid:letter",
        "type": ["ResultDescription"],
        "name": "Verslag",
        "resultType": "LetterGrade",
        "allowedValue": ["D", "C", "B", "A"],
        "requiredValue": "C",
    },
    {
        "id": "urn:uuid:grade",
        "type": ["ResultDescription"],
        "name": "Cijfer",
        "resultType": "RawScore",
        "valueMin": "1",
        "valueMax": "10",
        "requiredValue": "5.5",
    },
    {"id": "urn:uuid:status", "type": ["ResultDescription"], "name": "Stand", "resultType": "Status"},
]
# No result refers to it, and its words tell the skill that it is aligned with.
LEARNING_OUTCOME = {
    "id": "urn:uuid:outcome",
    "type": ["ResultDescription"],
    "name": "De deelnemer last TIG.",
    "resultType": "ext:LearningOutcome",
    "requiredValue": "zelfstandig",
    "alignment": [{"type": ["Alignment"], "targetName": "TIG-lassen", "targetUrl": "https://skills.example/tig"}],
}
RESULTS = [
    {
        "type": ["Result"],
        "resultDescription": "urn:uuid:rubric",
        "achievedLevel": "urn:uuid:level-3",
        "alignment": [{"type": ["Alignment"], "targetName": "Goed", "targetUrl": "https://rubric.example/3"}],
    },
    {"type": ["Result"], "resultDescription": "urn:uuid:letter", "value": "B"},
    {"type": ["Result"], "resultDescription": "urn:uuid:grade", "value": "7.5"},
    {"type": ["Result"], "resultDescription": "urn:uuid:status", "status": "Completed"},
]
SCHOOL_NUMBER = {"type": "IdentifierEntry", "identifier": "99XX", "identifierType": "ext:BRIN"}
PROFILE = {
    "id": ISSUER.id,
    "type": ["Profile"],
    "name": "Stichting Stimulering Techniek Maas en Waal",
    "url": "https://stmw.example",
    "description": "Brengt techniek en onderwijs bij elkaar.",
    "email": "info@stmw.example",
    "phone": "+31 24 000 00 00",
    "official": "J. Jansen",
    "image": {"id": "https://stmw.example/logo.png", "type": "Image", "caption": "Logo"},
    "address": {
        "type": ["Address"],
        "addressCountry": "Nederland",
        "addressCountryCode": "NL",
        "addressRegion": "Gelderland",
        "addressLocality": "Druten",
        "streetAddress": "Dorpsstraat 1",
        "postOfficeBoxNumber": "1",
        "postalCode": "6651 AA",
        "geo": {"type": "GeoCoordinates", "latitude": 51.88, "longitude": 5.6},
    },
    "otherIdentifier": [SCHOOL_NUMBER],
    "parentOrg": {"id": "https://regio.example", "type": ["Profile"], "name": "Regio Maas en Waal"},
}
PERSON = {
    "id": "https://people.example/1",
    "type": ["Profile"],
    "name": "dr. A.B. van den Berg MSc",
    "givenName": "Anna",
    "additionalName": "B.",
    "familyNamePrefix": "van den",
    "familyName": "Berg",
    "patronymicName": "Annadochter",
    "honorificPrefix": "dr.",
    "honorificSuffix": "MSc",
    "dateOfBirth": "1980-02-29",
}
SUBJECT = {
    "identifier": [create_identity_object("sanne@student.example", identity_type="emailAddress", salt="7hT2")],
    "activityStartDate": "2026-02-01T00:00:00Z",
    "activityEndDate": "2026-05-28T00:00:00Z",
    "creditsEarned": 3,
    "image": {"id": "https://issuer.example/baked.png", "type": "Image"},
    "licenseNumber": "A-9320041",
    "narrative": "Deed drie opdrachten.",
    "role": "Adviseur",
    "source": PERSON,
    "term": "Voorjaar 2026",
}


def create_test_endorsement(subject_id: str = ACHIEVEMENT_ID, **changes: Any) -> dict[str, Any]:
    """Return an unsigned endorsement with anything changed; None leaves a member out."""
    document = create_endorsement(
        endorsement_id="urn:uuid:endorsement",
        issuer_profile={"id": ENDORSER, "type": ["Profile"], "name": "Inspectie"},
        subject_id=subject_id,
        name="Goedkeuring",
        comment="Deze badge is in orde.",
        valid_from=NOW,
        valid_until=NOW + timedelta(days=365),
    )
    return {name: value for name, value in {**document, **changes}.items() if value is not None}


def sign_test_endorsement(document: dict[str, Any], signer: SoftwareSigner = ENDORSER_SIGNER) -> dict[str, Any]:
    """Return an endorsement that its issuer signed."""
    return add_proof(
        document,
        cryptosuite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=ENDORSER_KEY,
        proof_purpose="assertionMethod",
        created_at=NOW,
    )


def create_full_dataset(**changes: Any) -> CredentialDataset:
    """Return a dataset in which nothing that a badge can say is left unsaid."""
    achievement = create_test_achievement(
        achievementType="MicroCredential",
        version="2",
        humanCode="ALR-1",
        fieldOfStudy="Bedrijfskunde",
        specialization="HRM",
        creditsAvailable=3.5,
        creator=PERSON,
        criteria={"id": "https://issuer.example/criteria", "narrative": "Een adviesrapport."},
        image={"id": "https://issuer.example/image.png", "type": "Image", "caption": "Badge"},
        tag=["regio", "advies"],
        otherIdentifier=[{"type": "IdentifierEntry", "identifier": "1", "identifierType": "identifier"}],
        related=[{"id": "https://issuer.example/en", "type": ["Related"], "inLanguage": "en", "version": "1"}],
        resultDescription=DESCRIPTIONS,
        endorsement=[sign_test_endorsement(create_test_endorsement())],
    )
    endorsed_profile = sign_test_endorsement(create_test_endorsement(ISSUER.id, id="urn:uuid:endorsement-2"))
    values: dict[str, Any] = {
        "achievement": achievement,
        "issuer_profile": {**PROFILE, "endorsement": [endorsed_profile]},
        "person": {**create_test_dataset().person, "birthdate": "2001-05-04"},
        "result": RESULTS,
        "subject": SUBJECT,
        "evidence": [
            {
                "id": "https://portfolio.example/rapport.pdf",
                "type": ["Evidence"],
                "name": "Adviesrapport",
                "description": "Onderzoek en advies",
                "narrative": "Geschreven in het voorjaar.",
                "genre": "Rapport",
                "audience": "Bedrijven",
                "digestSRI": "sha256-Cm0zRQVfVsuAW3kcQ4IFATejYPVM4ANEHwPG2WaaSqo=",
            },
            {
                "type": ["Evidence"],
                "name": "Foto",
                "digestMultibase": "uEiCvdZ8fBsYhMQkUgYqM0J1ZtVb3m0sM6gqfK5hC3q0d9w",
            },
        ],
        "endorsement": [sign_test_endorsement(create_test_endorsement(id="urn:uuid:endorsement-3"))],
    }
    return create_test_dataset(**{**values, **changes})
