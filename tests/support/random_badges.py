"""Full Open Badges with everything chosen by a random generator: members, list lengths, and texts made to be hard."""

from random import Random
from typing import Any

CONTEXT = [
    "https://www.w3.org/ns/credentials/v2",
    "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
]
_CHARACTERS = (
    "abcdefghijklmnopqrstuvwxyzABC 0123456789-.,:;/@#$%^&*()<>{}[]|~`'\"\\\t\n\r\b\f"
    "\x01\x0b\x1f\x7f\x80\xa0éëß€→🌃𝄞\ue000\ufffe\uffff"
)


def random_text(random: Random) -> str:
    if random.random() < 0.5:
        return random.choice(
            ["Problemen oplossen", "a", "", "@id", "https://example.org/x", "_:b0", "name", "3", "true"]
        )
    return "".join(random.choices(_CHARACTERS, k=random.randrange(40)))


def random_iri(random: Random) -> str:
    number = random.randrange(1000)
    return random.choice(
        [
            f"https://issuer.example/achievements/{number}",
            f"urn:uuid:0d5b1f6e-2f58-4a56-9a0e-5d6e9f{number:06d}",
            f"did:web:issuer.example:{number}",
            f"http://data.europa.eu/esco/skill/{number}?a=b%20c#d",
            f"data:image/png;base64,{'iVBORw0KGgo+/' * random.randrange(20)}{number:04d}",
            f"https://voorbeeld.example/caf\u00e9/{number}",
        ]
    )


def random_badge(random: Random) -> dict[str, Any]:
    """Return a credential without proof that every strict processor accepts."""
    subject = {
        "type": ["AchievementSubject"],
        "identifier": [_identity(random) for _ in range(random.randrange(3))],
        "achievement": _achievement(random),
        "result": [_result(random) for _ in range(random.randrange(3))],
        **_maybe(random, id=random_iri(random), role=random_text(random), creditsEarned=random_number(random)),
    }
    return {
        "@context": list(CONTEXT),
        "id": random_iri(random),
        "type": ["VerifiableCredential", random.choice(["OpenBadgeCredential", "AchievementCredential"])],
        "issuer": random.choice([random_iri(random), _profile(random)]),
        "validFrom": "2026-11-21T12:00:00Z",
        "credentialSubject": subject,
        **_maybe(
            random,
            name=_language_text(random),
            description=random_text(random),
            validUntil="2031-11-21T12:00:00Z",
            awardedDate="2026-11-20T12:00:00+01:00",
            image={"id": random_iri(random), "type": "Image", "caption": random_text(random)},
            evidence=[_evidence(random) for _ in range(random.randrange(1, 4))],
            credentialStatus=_status(random),
            endorsement=[_endorsement(random)],
        ),
    }


def random_number(random: Random) -> Any:
    return random.choice([0, 1, -3, 3.0, 2.5, 1e-7, 123456.789, 1e22, 2**53 - 1])


def _maybe(random: Random, **members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if random.random() < 0.6}


def _language_text(random: Random) -> Any:
    text = random_text(random)
    return random.choice([text, {"@value": text, "@language": random.choice(["nl", "en"])}])


def _profile(random: Random) -> dict[str, Any]:
    entry = {"type": "IdentifierEntry", "identifier": random_text(random), "identifierType": "ext:BRIN"}
    return {
        "id": random_iri(random),
        "type": ["Profile"],
        **_maybe(random, name=random_text(random), url=random_iri(random), otherIdentifier=[entry]),
    }


def _identity(random: Random) -> dict[str, Any]:
    return {
        "type": "IdentityObject",
        "hashed": random.choice([True, False]),
        "identityHash": random_text(random),
        "identityType": "emailAddress",
        **_maybe(random, salt=random_text(random)),
    }


def _achievement(random: Random) -> dict[str, Any]:
    return {
        "id": random_iri(random),
        "type": ["Achievement"],
        "name": random_text(random),
        "criteria": _maybe(random, id=random_iri(random)) | {"narrative": random_text(random)},
        "alignment": [_alignment(random) for _ in range(random.randrange(4))],
        **_maybe(
            random,
            creditsAvailable=random_number(random),
            inLanguage="nl",
            tag=[random_text(random) for _ in range(random.randrange(3))],
            resultDescription=[_result_description(random)],
            image={"id": random_iri(random), "type": "Image"},
        ),
    }


def _alignment(random: Random) -> dict[str, Any]:
    return {
        "type": ["Alignment"],
        "targetName": random_text(random),
        "targetUrl": random.choice([random_iri(random), random_text(random)]),
        **_maybe(random, targetCode=random_text(random), targetFramework="ESCO", targetType="ext:ESCOAlignment"),
    }


def _result(random: Random) -> dict[str, Any]:
    return {"type": ["Result"], **_maybe(random, value=random_text(random), resultDescription=random_iri(random))}


def _result_description(random: Random) -> dict[str, Any]:
    values = [random_text(random) for _ in range(random.randrange(4))]
    level = {"id": random_iri(random), "type": ["RubricCriterionLevel"], "name": random_text(random), "level": "1"}
    return {
        "id": random_iri(random),
        "type": ["ResultDescription"],
        "name": random_text(random),
        "resultType": "LetterGrade",
        "allowedValue": values,
        **_maybe(random, rubricCriterionLevel=[level]),
    }


def _evidence(random: Random) -> dict[str, Any]:
    return {"type": ["Evidence"], **_maybe(random, id=random_iri(random), name=random_text(random), genre="x")}


def _status(random: Random) -> dict[str, Any]:
    index = random.randrange(131072)
    return {
        "id": f"https://status.example/1#{index}",
        "type": "BitstringStatusListEntry",
        "statusPurpose": "revocation",
        "statusListIndex": str(index),
        "statusListCredential": "https://status.example/1",
    }


def _endorsement(random: Random) -> dict[str, Any]:
    return {
        "@context": list(CONTEXT),
        "id": random_iri(random) + "1",
        "type": ["VerifiableCredential", "EndorsementCredential"],
        "issuer": random_iri(random),
        "credentialSubject": {"type": "EndorsementSubject", "endorsementComment": random_text(random)},
    }
