"""Each credential format against DCQL: what `meta` finds, what would be shown, and what the verifier then believes."""

from datetime import timedelta
from typing import Any

import pytest

from kernel.dcql import Authorities, Candidate, match, parse_dcql_query, verify_credential_answer
from kernel.errors import QueryNotSatisfiedError
from kernel.formats import (
    ALGORITHMS,
    FORMATS,
    ISSUABLE,
    UnverifiedCredential,
    VerifiedCredential,
    parse_credential,
    vp_formats_supported,
)
from kernel.jwt import sign_jwt
from kernel.keys import SoftwareSigner
from kernel.openid4vp import parse_client_metadata
from tests.support.badges import (
    AUDIENCE,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NONCE,
    NOW,
    SKILLS,
    VCT,
    create_test_achievement,
    create_test_dataset,
)

OPEN_BADGE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
VCDM = "https://www.w3.org/2018/credentials#VerifiableCredential"
SKILL = list(SKILLS)[2]
PATH = ["credentialSubject", "achievement", "alignment", None, "targetUrl"]
W3C = ["jwt_vc_json", "ldp_vc", "ldp_vc_sd", "open_badge_jwt", "vc+jwt", "vc+sd-jwt"]
EACH = pytest.mark.parametrize("name", W3C)
LIST_URL, ENTITY = "https://lote.example/list", "https://federation.example"


def issue(name: str) -> str:
    if name == "jwt_vc_json":
        return sign_jwt(older_badge(), signer=ISSUER_SIGNER, typ="JWT", header={"kid": ISSUER.kid})
    return ISSUABLE[name].issue(
        create_test_dataset(),
        issuer=ISSUER,
        signer=ISSUER_SIGNER,
        holder_key=HOLDER_SIGNER.public_key,
        type_id=VCT,
        status=None,
        issued_at=NOW,
        valid_from=NOW,
        expires_at=NOW + timedelta(days=365),
    )


def older_badge() -> dict[str, Any]:
    subject = {"type": ["AchievementSubject"], "achievement": create_test_achievement()}
    contexts = [
        "https://www.w3.org/2018/credentials/v1",
        "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json",
    ]
    credential = {
        "@context": contexts,
        "type": ["VerifiableCredential", "OpenBadgeCredential"],
        "credentialSubject": subject,
    }
    holder = parse_credential(issue("vc+jwt")).payload["credentialSubject"]["id"]
    return {"iss": ISSUER.id, "nbf": int(NOW.timestamp()), "sub": holder, "vc": credential}


def verify(raw: str) -> VerifiedCredential:
    credential = parse_credential(raw)
    algorithms = ALGORITHMS[credential.format]
    return FORMATS[credential.format].verify(credential, key=ISSUER_SIGNER.public_key, algorithms=algorithms, now=NOW)


def candidate(name: str, **changes: Any) -> Candidate:
    raw = issue(name)
    credential = verify(raw)
    members: dict[str, Any] = {
        "id": raw,
        "format": credential.format,
        "types": credential.types,
        "claims": credential.claims,
        "disclosable": frozenset(FORMATS[credential.format].disclosable_paths(raw)),
        "is_holder_bound": credential.holder_key is not None,
    }
    return Candidate(**{**members, **changes})


def query(name: str, **members: Any) -> dict[str, Any]:
    format_id = {"ldp_vc_sd": "ldp_vc", "open_badge_jwt": "vc+jwt"}.get(name, name)
    asked = {"id": "badge", "format": format_id, "meta": {"type_values": [[VCDM, OPEN_BADGE]]}, **members}
    return {"credentials": [asked]}


def one_skill(name: str, value: str = SKILL) -> dict[str, Any]:
    return query(name, claims=[{"path": PATH, "values": [value]}])


@EACH
def test_K93_types_are_matched_by_their_iris(name: str) -> None:
    held = candidate(name)
    assert match(parse_dcql_query(query(name)), [held]).satisfiable
    for type_values in ([["https://x.example#Other"]], [[OPEN_BADGE, "https://x.example#Other"]]):
        other = parse_dcql_query(query(name, meta={"type_values": type_values}))
        assert not match(other, [held]).satisfiable
    alternatives = [["https://x.example#Other"], [OPEN_BADGE]]
    assert match(parse_dcql_query(query(name, meta={"type_values": alternatives})), [held]).satisfiable
    assert match(parse_dcql_query(query(name, meta={})), [held]).satisfiable


@EACH
def test_K68_a_credential_answers_only_for_its_own_format(name: str) -> None:
    held = candidate(name)
    for other in W3C:
        found = match(parse_dcql_query(query(other)), [held]).satisfiable
        assert found is (parse_dcql_query(query(other)).credentials[0].format == held.format)


@EACH
def test_K94_K95_the_path_starts_at_the_credential_and_the_answer_satisfies_the_verifier(name: str) -> None:
    asked = parse_dcql_query(one_skill(name))
    held = candidate(name)
    answer = match(asked, [held]).first_choice()["badge"]
    form = FORMATS[held.format]
    presented = form.present(
        held.id, disclose=answer.disclose, holder_signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=NOW
    )
    shown = form.verify_presentation(
        presented,
        key=ISSUER_SIGNER.public_key,
        algorithms=ALGORITHMS[held.format],
        audience=AUDIENCE,
        nonce=NONCE,
        now=NOW,
    )
    verify_credential_answer(asked.credentials[0], shown.credential)
    skills = shown.credential.claims["credentialSubject"]["achievement"]["alignment"]
    is_selective = name in ("ldp_vc_sd", "vc+sd-jwt")
    assert [skill["targetUrl"] for skill in skills] == ([SKILL] if is_selective else list(SKILLS))
    assert answer.opened == ({("credentialSubject", "achievement", "alignment", 2)} if is_selective else set())


@EACH
def test_A18_a_skill_that_was_not_shown_satisfies_nobody(name: str) -> None:
    assert not match(
        parse_dcql_query(one_skill(name, "http://data.europa.eu/esco/skill/other")), [candidate(name)]
    ).satisfiable
    if name in ("ldp_vc_sd", "vc+sd-jwt"):
        raw = issue(name)
        form = FORMATS[parse_credential(raw).format]
        empty = form.present(raw, disclose=(), holder_signer=HOLDER_SIGNER, audience=AUDIENCE, nonce=NONCE, now=NOW)
        shown = form.verify_signature(
            parse_credential(empty), key=ISSUER_SIGNER.public_key, algorithms=ALGORITHMS[form.format_id]
        )
        with pytest.raises(QueryNotSatisfiedError):
            verify_credential_answer(parse_dcql_query(one_skill(name)).credentials[0], shown)


@EACH
def test_K97_trusted_authorities_narrow_every_format(name: str) -> None:
    authorities = [{"type": "etsi_tl", "values": [LIST_URL]}, {"type": "openid_federation", "values": [ENTITY]}]
    asked = parse_dcql_query(query(name, trusted_authorities=authorities))
    assert not match(asked, [candidate(name)]).satisfiable
    for known in (Authorities(trust_lists=frozenset({LIST_URL})), Authorities(federation_entities=frozenset({ENTITY}))):
        assert match(asked, [candidate(name, authorities=known)]).satisfiable
    unknown = parse_dcql_query(query(name, trusted_authorities=[{"type": "aki", "values": ["x"]}]))
    assert not match(unknown, [candidate(name)]).satisfiable


def test_V05_each_format_says_how_it_may_be_signed() -> None:
    assert vp_formats_supported(FORMATS) == {
        "dc+sd-jwt": {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]},
        "vc+sd-jwt": {"alg_values": ["ES256"]},
        "ldp_vc": {
            "proof_type_values": ["DataIntegrityProof"],
            "cryptosuite_values": [
                "ecdsa-jcs-2019",
                "ecdsa-rdfc-2019",
                "ecdsa-sd-2023",
                "eddsa-jcs-2022",
                "eddsa-rdfc-2022",
            ],
        },
        "vc+jwt": {"alg_values": ["ES256", "RS256"]},
        "jwt_vc_json": {"alg_values": ["ES256", "RS256"]},
    }
    assert list(vp_formats_supported(["ldp_vc", "dc+sd-jwt"])) == ["ldp_vc", "dc+sd-jwt"]


def test_every_way_of_issuing_is_one_that_can_be_read() -> None:
    for name in ISSUABLE:
        if name != "dc+sd-jwt":
            assert verify(issue(name)).format in FORMATS


READS_SD_JWT = {"sd-jwt_alg_values": ["ES256"], "kb-jwt_alg_values": ["ES256"]}
READS_PROOFS = {"proof_type_values": ["DataIntegrityProof"], "cryptosuite_values": ["ecdsa-rdfc-2019"]}


@pytest.mark.parametrize(
    ("format_id", "header", "said", "is_read"),
    [
        ("dc+sd-jwt", {"alg": "ES256"}, {"dc+sd-jwt": READS_SD_JWT}, True),
        ("dc+sd-jwt", {"alg": "ES256"}, {"dc+sd-jwt": {**READS_SD_JWT, "sd-jwt_alg_values": ["ES512"]}}, False),
        ("dc+sd-jwt", {"alg": "ES256"}, {"dc+sd-jwt": {**READS_SD_JWT, "kb-jwt_alg_values": ["EdDSA"]}}, False),
        ("dc+sd-jwt", {"alg": "ES256"}, {"vc+sd-jwt": {}}, False),
        ("dc+sd-jwt", {"alg": "ES256"}, {}, False),
        ("dc+sd-jwt", {"alg": "ES256"}, None, True),
        ("vc+sd-jwt", {"alg": "ES256"}, {"vc+sd-jwt": {"alg_values": ["ES256"]}}, True),
        ("jwt_vc_json", {"alg": "RS256"}, {"jwt_vc_json": {"alg_values": ["ES256"]}}, False),
        ("jwt_vc_json", {"alg": "ES256"}, {"jwt_vc_json": {"alg_values": ["RS256"]}}, False),
        ("ldp_vc", {"cryptosuite": "ecdsa-rdfc-2019"}, {"ldp_vc": READS_PROOFS}, True),
        ("ldp_vc", {"cryptosuite": "ecdsa-sd-2023"}, {"ldp_vc": READS_PROOFS}, False),
        ("ldp_vc", {"cryptosuite": "ecdsa-rdfc-2019"}, {"ldp_vc": {"cryptosuite_values": ["ecdsa-sd-2023"]}}, False),
        (
            "ldp_vc",
            {"cryptosuite": "ecdsa-rdfc-2019"},
            {"ldp_vc": {"proof_type_values": ["Ed25519Signature"]}},
            False,
        ),
    ],
)
def test_W53_a_verifier_reads_what_it_says_it_reads(format_id, header, said, is_read):
    """OpenID4VP 1.0 §11.1, B.1.3.1.3, B.1.3.2.3, B.3.4."""
    credential = UnverifiedCredential(format_id, "", header, {}, "", None, (), False, {})
    metadata = parse_client_metadata({} if said is None else {"vp_formats_supported": said})
    assert metadata.can_read(credential, SoftwareSigner.generate().public_key) is is_read


def test_W53_who_asks_for_no_holder_binding_need_not_read_the_holders_signature():
    credential = UnverifiedCredential("dc+sd-jwt", "", {"alg": "ES256"}, {}, "", None, (), False, {})
    metadata = parse_client_metadata({"vp_formats_supported": {"dc+sd-jwt": {"kb-jwt_alg_values": ["EdDSA"]}}})
    assert metadata.can_read(credential, None)


def test_W53_formats_in_common_are_asked_for_known_here_and_read_there():
    said = {"dc+sd-jwt": READS_SD_JWT, "ldp_vc": {"cryptosuite_values": ["bbs-2023"]}, "mso_mdoc": {}}
    metadata = parse_client_metadata({"vp_formats_supported": said})
    assert metadata.find_common_formats({"dc+sd-jwt", "ldp_vc", "mso_mdoc", "vc+sd-jwt"}) == {"dc+sd-jwt"}
    assert parse_client_metadata({}).find_common_formats({"vc+sd-jwt", "mso_mdoc"}) == {"vc+sd-jwt"}
