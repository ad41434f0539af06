"""The formats that are JWTs: `vc+jwt` in both flavours, and `jwt_vc_json`, which is read and never issued."""

import copy
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import HealthCheck, given, settings

from kernel import base64url
from kernel.did import did_jwk
from kernel.errors import CredentialError
from kernel.formats import (
    FORMATS,
    ISSUABLE,
    IssuerIdentity,
    StatusKind,
    StatusReference,
    VerifiedCredential,
    VerifiedPresentation,
    parse_credential,
)
from kernel.jwt import LEEWAY, parse_jwt, sign_jwt
from kernel.keys import SoftwareSigner, public_key_from
from kernel.open_badges import badge_view
from kernel.strict_json import encode_json
from tests.support.badges import (
    AUDIENCE,
    ES256,
    HOLDER_SIGNER,
    ISSUER,
    ISSUER_SIGNER,
    NONCE,
    NOW,
    STATUS,
    VCT,
    create_test_achievement,
    create_test_dataset,
)
from tests.support.json_values import json_values, nearly

HOLDER_DID = did_jwk(HOLDER_SIGNER.public_key.jwk)
MALLORY = SoftwareSigner.generate()
MALLORY_DID = did_jwk(MALLORY.public_key.jwk)
ISSUER_JWK, MALLORY_JWK = ISSUER_SIGNER.public_key.jwk, MALLORY.public_key.jwk
ENTRY = StatusReference("https://issuer.example/bsl/1", 7301, StatusKind.BITSTRING_STATUS_LIST, "revocation")
DAY = datetime.fromisoformat("2026-05-28T00:00:00Z")
V1 = "https://www.w3.org/2018/credentials/v1"
V2 = "https://www.w3.org/ns/credentials/v2"
OPEN_BADGES = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"

FLAVOURS = ["open_badge_jwt", "vc+jwt"]
FLAVOUR = pytest.mark.parametrize("flavour", FLAVOURS)
KINDS = [*FLAVOURS, "jwt_vc_json"]
EACH = pytest.mark.parametrize("kind", KINDS)


def issue(flavour: str, **changes: Any) -> str:
    values: dict[str, Any] = {
        "issuer": ISSUER,
        "signer": ISSUER_SIGNER,
        "holder_key": HOLDER_SIGNER.public_key,
        "type_id": VCT,
        "status": ENTRY if flavour == "open_badge_jwt" else STATUS,
        "issued_at": NOW,
        "valid_from": NOW,
        "expires_at": NOW + timedelta(days=365),
    }
    return ISSUABLE[flavour].issue(changes.pop("dataset", create_test_dataset()), **{**values, **changes})


def older_badge() -> dict[str, Any]:
    """Return the claims of a badge under VCDM 1.1, as edubadges and pilots made them."""
    subject = {"type": ["AchievementSubject"], "achievement": create_test_achievement()}
    return {
        "iss": ISSUER.id,
        "jti": "urn:uuid:1",
        "sub": HOLDER_DID,
        "nbf": int(DAY.timestamp()),
        "exp": int((NOW + timedelta(days=365)).timestamp()),
        "vc": {
            "@context": [V1, OPEN_BADGES],
            "type": ["VerifiableCredential", "OpenBadgeCredential"],
            "issuer": {"id": ISSUER.id, "type": ["Profile"], "name": "Stichting"},
            "credentialSubject": subject,
        },
    }


def create(kind: str) -> str:
    if kind != "jwt_vc_json":
        return issue(kind)
    return sign_jwt(older_badge(), signer=ISSUER_SIGNER, typ="JWT", header={"kid": ISSUER.kid})


def resign(
    raw: str,
    change: Callable[[dict[str, Any]], object] = lambda payload: None,
    *,
    signer: SoftwareSigner = ISSUER_SIGNER,
    **header: Any,
) -> str:
    """Return the same token, properly signed, with one thing changed; None leaves a header member out."""
    jwt = parse_jwt(raw)
    payload = json.loads(json.dumps(jwt.payload))
    change(payload)
    members = {**jwt.header, **header}
    members = {"alg": signer.algorithm, **{name: value for name, value in members.items() if value is not None}}
    members["alg"] = signer.algorithm
    signing_input = ".".join(base64url.encode(encode_json(part)) for part in (members, payload))
    return f"{signing_input}.{base64url.encode(signer.sign(signing_input.encode()))}"


def verify(raw: str, **changes: Any) -> VerifiedCredential:
    credential = parse_credential(raw)
    values: dict[str, Any] = {"key": ISSUER_SIGNER.public_key, "algorithms": ES256, "now": NOW}
    return FORMATS[credential.format].verify(credential, **{**values, **changes})


def present(raw: str, **changes: Any) -> str:
    values = {"disclose": (), "holder_signer": HOLDER_SIGNER, "audience": AUDIENCE, "nonce": NONCE, "now": NOW}
    return FORMATS[parse_credential(raw).format].present(raw, **{**values, **changes})


def verify_presentation(raw: str, **changes: Any) -> VerifiedPresentation:
    values: dict[str, Any] = {
        "key": ISSUER_SIGNER.public_key,
        "algorithms": ES256,
        "audience": AUDIENCE,
        "nonce": NONCE,
        "now": NOW,
    }
    return FORMATS[parse_credential(raw).format].verify_presentation(raw, **{**values, **changes})


def put(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload.update(members)


def put_vc(**members: Any) -> Callable[[dict[str, Any]], object]:
    return lambda payload: payload["vc"].update(members)


def drop(*names: str) -> Callable[[dict[str, Any]], object]:
    return lambda payload: [payload.pop(name, None) for name in names]


def assert_refused(code: str, call: Callable[[], object]) -> None:
    with pytest.raises(CredentialError) as refusal:
        call()
    assert refusal.value.code == code


# Issuing


@EACH
def test_what_is_issued_verifies_and_says_what_it_was_given(kind: str) -> None:
    verified = verify(create(kind))
    assert verified.format == ("jwt_vc_json" if kind == "jwt_vc_json" else "vc+jwt")
    assert (verified.issuer, verified.key_id) == (ISSUER.id, ISSUER.kid)
    assert verified.holder_key == HOLDER_SIGNER.public_key
    assert verified.key == ISSUER_SIGNER.public_key
    assert (verified.valid_from, verified.expires_at) == (DAY, NOW + timedelta(days=365))
    assert "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential" in verified.types
    assert "https://www.w3.org/2018/credentials#VerifiableCredential" in verified.types
    assert badge_view(verified.claims, verified.format).name == "Adviseur Lerende Regio Maas en Waal"


def test_K66_header_and_claims_of_a_credential_as_vc_jose_cose_wants_it() -> None:
    jwt = parse_jwt(issue("vc+jwt"))
    assert jwt.header == {"alg": "ES256", "typ": "vc+jwt", "cty": "vc", "kid": ISSUER.kid}
    assert jwt.payload["cnf"]["jwk"] == HOLDER_SIGNER.public_key.jwk
    assert jwt.payload["iss"] == jwt.payload["issuer"]["id"]
    assert jwt.payload["iat"] == int(DAY.timestamp())
    assert jwt.payload.keys().isdisjoint({"vc", "vp", "jti", "sub", "nbf"})
    assert verify(issue("vc+jwt")).statuses == (STATUS,)


def test_B20_header_and_claims_of_an_open_badge() -> None:
    jwt = parse_jwt(issue("open_badge_jwt"))
    assert jwt.header == {"alg": "ES256", "typ": "JWT", "kid": ISSUER.kid, "jwk": ISSUER_JWK}
    payload = jwt.payload
    assert (payload["jti"], payload["sub"]) == (payload["id"], payload["credentialSubject"]["id"])
    assert (payload["nbf"], payload["exp"]) == (int(DAY.timestamp()), int((NOW + timedelta(days=365)).timestamp()))
    assert "exp" not in parse_jwt(issue("open_badge_jwt", expires_at=None)).payload
    assert verify(issue("open_badge_jwt")).statuses == (ENTRY,)


def test_B20_a_key_with_a_web_address_is_named_by_that_alone() -> None:
    issuer = IssuerIdentity(ISSUER.id, "https://issuer.example/keys/1")
    assert parse_jwt(issue("open_badge_jwt", issuer=issuer)).header == {"alg": "ES256", "typ": "JWT", "kid": issuer.kid}


def test_K66_certificates_may_name_the_key_of_a_vc_jwt() -> None:
    raw = issue("vc+jwt", issuer=IssuerIdentity("https://issuer.example/stmw", ISSUER.kid, x5c=("MIIB",)))
    assert (parse_credential(raw).key_id, parse_credential(raw).x5c) == (None, ("MIIB",))
    assert verify(raw).issuer == "https://issuer.example/stmw"


def test_K80_1_both_kinds_of_status_list_may_be_named() -> None:
    assert verify(issue("vc+jwt", status=[STATUS, ENTRY])).statuses == (STATUS, ENTRY)


@FLAVOUR
def test_I61_no_time_is_finer_than_a_day(flavour: str) -> None:
    payloads = [dict(parse_jwt(issue(flavour, issued_at=NOW + timedelta(hours=hour))).payload) for hour in (0, 3)]
    assert payloads[0] == payloads[1]


@FLAVOUR
def test_B02_what_no_badge_may_say_is_not_signed(flavour: str) -> None:
    wrong = create_test_dataset(achievement=create_test_achievement(name=""))
    assert_refused("malformed", lambda: issue(flavour, dataset=wrong))


def test_K69_vcdm_1_1_is_never_issued() -> None:
    assert "jwt_vc_json" not in ISSUABLE


# Dispatch


@EACH
def test_K68_content_decides_the_format(kind: str) -> None:
    raw = create(kind)
    credential = parse_credential(raw)
    assert FORMATS[credential.format].parse(raw) == credential
    assert credential.algorithm == "ES256"
    [other] = {"vc+jwt", "jwt_vc_json"} - {credential.format}
    assert_refused("malformed", lambda: FORMATS[other].parse(raw))
    assert_refused("malformed", lambda: FORMATS["vc+sd-jwt"].parse(raw))
    with pytest.raises(TypeError):
        _ = credential.sd_jwt
    sd_jwt = parse_credential(issue("vc+sd-jwt"))
    with pytest.raises(TypeError):
        FORMATS[credential.format].verify(sd_jwt, key=ISSUER_SIGNER.public_key, algorithms=ES256, now=NOW)


@pytest.mark.parametrize(
    "payload",
    [
        {"iss": "x"},
        {"@context": [V2]},
        {"vct": VCT, "iss": "x"},
        {"vct": VCT, "@context": [V2], "type": ["VerifiableCredential"]},
        {"vc": {}, "@context": [V2], "type": ["VerifiableCredential"]},
        {"vc": {}, "vct": VCT},
        {"vc": []},
        {"vc": {}, "vp": {}},
        {"vp": []},
        {"vp": {"type": "VerifiableCredential"}},
    ],
    ids=str,
)
def test_A49_content_of_no_kind_or_of_two_kinds_is_refused(payload: dict[str, Any]) -> None:
    raw = sign_jwt(payload, signer=ISSUER_SIGNER, typ="JWT", header={"kid": ISSUER.kid})
    assert_refused("malformed", lambda: parse_credential(raw))


@EACH
@pytest.mark.parametrize("header", [{"kid": 1}, {"x5c": "MIIB"}, {"x5c": [1]}], ids=str)
def test_K04_key_reference_of_another_shape_is_refused(kind: str, header: dict[str, Any]) -> None:
    assert_refused("malformed", lambda: parse_credential(resign(create(kind), **header)))


# Keys, algorithms, types


@EACH
def test_K02_A01_key_and_algorithm_of_the_caller_decide(kind: str) -> None:
    raw = create(kind)
    assert_refused("signature", lambda: verify(raw, key=MALLORY.public_key))
    assert_refused("algorithm", lambda: verify(raw, algorithms=frozenset({"RS256"})))
    header, payload, _ = raw.split(".")
    nothing = base64url.encode(encode_json({"alg": "none", "typ": "JWT", "kid": ISSUER.kid}))
    assert_refused("algorithm", lambda: parse_credential(f"{nothing}.{payload}."))
    assert_refused("signature", lambda: verify(f"{header}.{payload}.{base64url.encode(bytes(range(64)))}"))


@EACH
@pytest.mark.parametrize("typ", ["vp+jwt", "kb+jwt", "statuslist+jwt", "vc+sd-jwt", "jwt"])
def test_K03_A03_another_type_is_refused(kind: str, typ: str) -> None:
    assert_refused("type", lambda: verify(resign(create(kind), typ=typ)))


@pytest.mark.parametrize("kind", ["open_badge_jwt", "jwt_vc_json"])
def test_B20_a_token_without_a_type_is_a_jwt(kind: str) -> None:
    assert verify(resign(create(kind), typ=None)).issuer == ISSUER.id


def test_A02_the_key_in_a_header_is_never_believed() -> None:
    raw = issue("open_badge_jwt")
    assert_refused("signature", lambda: verify(resign(raw, signer=MALLORY, jwk=MALLORY_JWK)))
    assert_refused("issuer", lambda: verify(resign(raw, jwk=MALLORY_JWK)))
    assert parse_credential(resign(raw, kid=None)).key_id is None
    assert verify(resign(raw, kid=None)).key_id is None


@pytest.mark.parametrize(
    ("flavour", "header"), [("vc+jwt", {"kid": None}), ("open_badge_jwt", {"kid": None, "jwk": None})]
)
def test_K66_B20_a_credential_says_which_key_signed_it(flavour: str, header: dict[str, Any]) -> None:
    assert_refused("malformed", lambda: verify(resign(issue(flavour), **header)))


RSA_KEY = rsa.generate_private_key(65537, 2048)


class RsaSigner(SoftwareSigner):
    """A key as others sign Open Badges with; we only check such signatures."""

    algorithm = "RS256"

    def __init__(self) -> None:
        """There is nothing to set up."""

    def sign(self, data: bytes) -> bytes:
        return RSA_KEY.sign(data, PKCS1v15(), SHA256())


@pytest.mark.parametrize("kind", ["open_badge_jwt", "jwt_vc_json"])
def test_B20_a_badge_signed_with_rs256_is_believed_where_that_is_allowed(kind: str) -> None:
    key = public_key_from(RSA_KEY.public_key())
    raw = resign(create(kind), signer=RsaSigner(), jwk=key.jwk)
    assert verify(raw, key=key, algorithms=frozenset({"RS256"})).key == key
    assert_refused("algorithm", lambda: verify(raw, key=key))


# The shape of what is signed


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(**{"@context": [V1]}), id="VCDM 1.1"),
        pytest.param(put(type=["OpenBadgeCredential"]), id="not a VerifiableCredential"),
        pytest.param(put(credentialSubject={}), id="no subject"),
        pytest.param(put(issuer="no url"), id="issuer is no URL"),
        pytest.param(put(iss="did:web:mallory.example"), id="iss disagrees"),
        pytest.param(put(jti="urn:uuid:another"), id="jti disagrees"),
        pytest.param(put(sub=MALLORY_DID), id="sub disagrees"),
        pytest.param(put(validUntil="2020-01-01T00:00:00Z"), id="ends before it begins"),
        pytest.param(put(nbf="1"), id="nbf is text"),
        pytest.param(put(credentialStatus={"type": "BitstringStatusListEntry"}), id="status that cannot be read"),
        pytest.param(put(status={}), id="status claim that cannot be read"),
        pytest.param(put(cnf=1), id="cnf is a number"),
    ],
)
@FLAVOUR
def test_K55_K66_a_credential_with_one_thing_broken_is_refused(
    flavour: str, change: Callable[[dict[str, Any]], object]
) -> None:
    assert_refused("malformed", lambda: verify(resign(issue(flavour), change), check_validity=False))


@pytest.mark.parametrize("header", [{"cty": "jwt"}, {"cty": "vp"}], ids=str)
def test_K66_another_content_type_is_refused(header: dict[str, Any]) -> None:
    assert_refused("malformed", lambda: verify(resign(issue("vc+jwt"), **header)))


@pytest.mark.parametrize(
    "change",
    [
        *(pytest.param(drop(name), id=f"no {name}") for name in ("iss", "jti", "nbf", "sub", "exp")),
        pytest.param(put(nbf=1), id="nbf disagrees"),
        pytest.param(put(exp=4102444800), id="exp disagrees"),
        pytest.param(drop("validUntil"), id="exp without validUntil"),
        pytest.param(drop("validFrom"), id="nbf without validFrom"),
    ],
)
def test_B20_what_an_open_badge_says_twice_must_be_there_and_agree(change: Callable[[dict[str, Any]], object]) -> None:
    assert_refused("malformed", lambda: verify(resign(issue("open_badge_jwt"), change), check_validity=False))


def test_B20_an_open_badge_about_somebody_without_identifier_needs_no_sub() -> None:
    def unname(payload: dict[str, Any]) -> None:
        payload["credentialSubject"].pop("id")
        payload.pop("sub")

    assert verify(resign(issue("open_badge_jwt"), unname)).holder_key is None


@pytest.mark.parametrize("header", [{"x5u": "https://x.example"}, {"jku": "https://x.example"}, {"cty": "vc"}], ids=str)
def test_B20_A02_an_open_badge_has_no_other_header_members(header: dict[str, Any]) -> None:
    assert_refused("malformed", lambda: verify(resign(issue("open_badge_jwt"), **header)))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put_vc(**{"@context": [V2]}), id="VCDM 2.0"),
        pytest.param(put_vc(**{"@context": V1}), id="context is no array"),
        pytest.param(put_vc(type=["OpenBadgeCredential"]), id="not a VerifiableCredential"),
        pytest.param(put_vc(credentialSubject=[]), id="sub for nobody"),
        pytest.param(put_vc(credentialSubject=["x"]), id="subject is text"),
        pytest.param(put_vc(credentialSubject=[{"id": "urn:a:1"}, {"id": "urn:a:2"}]), id="sub for two"),
        pytest.param(put_vc(credentialSubject={"id": MALLORY_DID}), id="sub disagrees"),
        pytest.param(put_vc(id="urn:uuid:another"), id="jti disagrees"),
        pytest.param(put(jti=1), id="jti is a number"),
        pytest.param(drop("nbf"), id="no beginning"),
        pytest.param(put_vc(issuanceDate="2020-01-01"), id="date without time"),
        pytest.param(put_vc(expirationDate="2020-01-01T00:00:00Z"), id="ends before it begins"),
        pytest.param(put(exp=True), id="exp is true"),
        pytest.param(put(status={}), id="status that cannot be read"),
        pytest.param(put_vc(credentialStatus="x"), id="credential status is text"),
    ],
)
def test_K69_a_vcdm_1_1_credential_with_one_thing_broken_is_refused(change: Callable[[dict[str, Any]], object]) -> None:
    assert_refused("malformed", lambda: verify(resign(create("jwt_vc_json"), change), check_validity=False))


@pytest.mark.parametrize(
    "change",
    [
        pytest.param(put(iss="did:web:mallory.example"), id="iss disagrees"),
        pytest.param(put(iss=1), id="iss is a number"),
        pytest.param(put_vc(issuer={}), id="issuer without id"),
    ],
)
def test_K69_a_vcdm_1_1_credential_with_an_unclear_issuer_is_refused(
    change: Callable[[dict[str, Any]], object],
) -> None:
    assert_refused("malformed", lambda: parse_credential(resign(create("jwt_vc_json"), change)))


def test_K69_jwt_claims_stand_for_members_that_are_not_there() -> None:
    def move(payload: dict[str, Any]) -> None:
        payload["vc"].pop("issuer")

    claims = verify(resign(create("jwt_vc_json"), move)).claims
    assert (claims["issuer"], claims["id"]) == (ISSUER.id, "urn:uuid:1")
    assert (claims["issuanceDate"], claims["expirationDate"]) == ("2026-05-28T00:00:00Z", "2027-05-28T12:00:00Z")
    assert claims["credentialSubject"]["id"] == HOLDER_DID


def test_K69_W47_what_stands_beside_the_credential_is_shown_with_it_and_so_among_its_claims() -> None:
    """The whole JWT goes to a verifier: a holder who is told less would consent to less than is shown."""
    verified = verify(resign(create("jwt_vc_json"), put(email="kim@example.org", issuer="urn:another")))
    assert verified.claims["email"] == "kim@example.org"
    assert verified.claims["issuer"] != "urn:another"
    assert verified.issuer == ISSUER.id
    assert verified.claims.keys().isdisjoint({"vc", "iss", "sub", "jti", "nbf"})


def test_K69_members_stand_alone_where_there_are_no_jwt_claims() -> None:
    def move(payload: dict[str, Any]) -> None:
        for name in ("iss", "jti", "sub", "nbf", "exp"):
            payload.pop(name)
        payload["vc"].update(issuanceDate="2026-05-28T00:00:00Z")

    verified = verify(resign(create("jwt_vc_json"), move))
    assert (verified.issuer, verified.holder_key, verified.expires_at) == (ISSUER.id, None, None)


def test_K69_K56_of_all_dates_the_narrowest_count() -> None:
    def date(payload: dict[str, Any]) -> None:
        payload["iat"] = int(DAY.timestamp())
        payload["vc"].update(
            issuanceDate="2026-05-28T10:00:00Z",
            validFrom="2026-05-28T11:00:00Z",
            expirationDate="2026-05-28T14:00:00Z",
            validUntil="2026-05-28T13:00:00Z",
        )

    verified = verify(resign(create("jwt_vc_json"), date))
    assert verified.valid_from == DAY + timedelta(hours=11)
    assert verified.expires_at == DAY + timedelta(hours=13)
    assert verified.issued_at == DAY


def test_K69_a_status_of_either_kind_is_read_and_one_of_older_kinds_is_unknown() -> None:
    def state(payload: dict[str, Any]) -> None:
        payload["status"] = {"status_list": {"idx": STATUS.index, "uri": STATUS.uri}}
        payload["vc"]["credentialStatus"] = {"id": "https://x.example/1", "type": "StatusList2021Entry"}

    unknown = StatusReference("https://x.example/1", 0, StatusKind.UNKNOWN)
    assert verify(resign(create("jwt_vc_json"), state)).statuses == (STATUS, unknown)


@EACH
def test_A17_a_credential_with_two_holders_is_refused(kind: str) -> None:
    raw = resign(create(kind), put(cnf={"jwk": MALLORY_JWK}))
    assert_refused("holder_binding", lambda: verify(raw))


@EACH
def test_K56_the_end_of_validity_counts_to_the_second(kind: str) -> None:
    end = NOW + timedelta(days=365)
    raw = create(kind)
    assert verify(raw, now=end + LEEWAY - timedelta(seconds=1)).expires_at == end
    assert_refused("expired", lambda: verify(raw, now=end + LEEWAY))
    assert_refused("not_yet_valid", lambda: verify(raw, now=DAY - LEEWAY - timedelta(seconds=1)))
    assert verify(raw, now=end + LEEWAY, check_validity=False)


@EACH
def test_A55_personal_data_stays_out_of_representations_for_logs(kind: str) -> None:
    raw = create(kind)
    for text in map(repr, (verify(raw), verify_presentation(present(raw)))):
        assert "Sanne" not in text
        assert raw not in text


# Presenting


def test_K57_K03_a_vc_jwt_is_shown_enveloped() -> None:
    raw = issue("vc+jwt")
    jwt = parse_jwt(present(raw))
    assert jwt.header == {"alg": "ES256", "typ": "vp+jwt", "cty": "vp", "kid": f"{HOLDER_DID}#0"}
    assert jwt.payload["verifiableCredential"] == [
        {"@context": V2, "id": f"data:application/vc+jwt,{raw}", "type": "EnvelopedVerifiableCredential"}
    ]
    assert (jwt.payload["holder"], jwt.payload["nonce"], jwt.payload["aud"]) == (HOLDER_DID, NONCE, AUDIENCE)


def test_W50_a_jwt_vc_json_is_shown_in_a_vp_claim() -> None:
    raw = create("jwt_vc_json")
    jwt = parse_jwt(present(raw))
    assert jwt.header == {"alg": "ES256", "typ": "JWT", "kid": f"{HOLDER_DID}#0"}
    assert jwt.payload == {
        "iss": HOLDER_DID,
        "iat": int(NOW.timestamp()),
        "aud": AUDIENCE,
        "nonce": NONCE,
        "vp": {"@context": [V1], "type": ["VerifiablePresentation"], "verifiableCredential": [raw]},
    }


@EACH
def test_W50_what_is_shown_is_the_whole_credential_bound_to_its_holder(kind: str) -> None:
    raw = create(kind)
    shown = verify_presentation(present(raw, disclose=[("name",)]))
    assert shown.credential.claims == verify(raw).claims
    assert shown.holder_key == HOLDER_SIGNER.public_key
    assert FORMATS[shown.credential.format].disclosable_paths(raw) == {}


@EACH
def test_A17_nobody_presents_the_credential_of_another_key(kind: str) -> None:
    raw = create(kind)
    assert_refused("holder_binding", lambda: present(raw, holder_signer=MALLORY))


@EACH
def test_K38_a_presentation_is_not_received_as_a_credential(kind: str) -> None:
    assert_refused("holder_binding", lambda: verify(present(create(kind))))


@EACH
def test_K37_A15_a_credential_without_its_presentation_is_refused(kind: str) -> None:
    assert_refused("holder_binding", lambda: verify_presentation(create(kind)))


@EACH
def test_A16_V25_a_presentation_for_another_request_or_verifier_is_refused(kind: str) -> None:
    presented = present(create(kind))
    assert_refused("nonce", lambda: verify_presentation(presented, nonce="another"))
    assert_refused("audience", lambda: verify_presentation(presented, audience=AUDIENCE.partition(":")[2]))
    assert_refused("not_yet_valid", lambda: verify_presentation(presented, now=NOW - timedelta(hours=1)))


@EACH
def test_V25_the_audience_may_be_an_array_of_one(kind: str) -> None:
    """RFC 7519 §4.1.3. `did-jwt-vc` writes it so."""
    presented = resign(present(create(kind)), put(aud=[AUDIENCE]), signer=HOLDER_SIGNER)
    assert verify_presentation(presented)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        pytest.param(drop("nonce"), "nonce", id="no nonce"),
        pytest.param(drop("aud"), "audience", id="no audience"),
        pytest.param(put(aud=[AUDIENCE, "https://other.example"]), "audience", id="audiences"),
        pytest.param(put(nonce=1), "malformed", id="nonce is a number"),
        pytest.param(put(exp=1), "expired", id="expired"),
        pytest.param(put(iss=MALLORY_DID), "holder_binding", id="another iss"),
        pytest.param(put(iss="did:web:holder.example"), "holder_binding", id="an iss without its key"),
        pytest.param(put(iss=None), "holder_binding", id="null iss"),
    ],
)
@EACH
def test_V27_A16_a_presentation_with_one_thing_broken_is_refused(
    kind: str, change: Callable[[dict[str, Any]], object], code: str
) -> None:
    presented = present(create(kind))
    assert verify_presentation(resign(presented, signer=HOLDER_SIGNER))
    assert_refused(code, lambda: verify_presentation(resign(presented, change, signer=HOLDER_SIGNER)))


@EACH
def test_A15_A17_a_presentation_signed_or_named_by_mallory_is_refused(kind: str) -> None:
    presented = present(create(kind))
    assert_refused("signature", lambda: verify_presentation(resign(presented, signer=MALLORY)))
    assert_refused(
        "holder_binding", lambda: verify_presentation(resign(presented, signer=HOLDER_SIGNER, kid=f"{MALLORY_DID}#0"))
    )
    assert verify_presentation(resign(presented, signer=HOLDER_SIGNER, kid=None))


@pytest.mark.parametrize("holder", [MALLORY_DID, {"id": MALLORY_DID}, {}, 1])
def test_A17_the_holder_whom_a_presentation_names_has_to_be_the_one(holder: Any) -> None:
    def name(payload: dict[str, Any]) -> None:
        payload.get("vp", payload)["holder"] = holder

    for kind in KINDS:
        presented = resign(present(create(kind)), name, signer=HOLDER_SIGNER)
        assert_refused("holder_binding", lambda presented=presented: verify_presentation(presented))  # type: ignore[misc]


def test_A17_a_holder_may_be_named_by_an_object() -> None:
    presented = resign(present(issue("vc+jwt")), put(holder={"id": HOLDER_DID}), signer=HOLDER_SIGNER)
    assert verify_presentation(presented).holder_key == HOLDER_SIGNER.public_key


@EACH
@pytest.mark.parametrize("typ", ["vc+jwt", "kb+jwt", "dc+sd-jwt"])
def test_K03_a_presentation_of_another_type_is_refused(kind: str, typ: str) -> None:
    assert_refused("type", lambda: verify_presentation(resign(present(create(kind)), signer=HOLDER_SIGNER, typ=typ)))


@EACH
def test_K02_the_algorithms_of_the_caller_hold_for_the_holder_too(kind: str) -> None:
    holder = SoftwareSigner.generate("Ed25519")
    if kind == "jwt_vc_json":
        raw = resign(create(kind), put(sub=did_jwk(holder.public_key.jwk)))
    else:
        raw = issue(kind, holder_key=holder.public_key)
    presented = present(raw, holder_signer=holder)
    assert_refused("algorithm", lambda: verify_presentation(presented))
    assert verify_presentation(presented, algorithms=frozenset({"ES256", "Ed25519"})).holder_key == holder.public_key


def credentials_in(payload: dict[str, Any]) -> dict[str, Any]:
    presentation: dict[str, Any] = payload.get("vp", payload)
    return presentation


@EACH
@pytest.mark.parametrize("count", [0, 2])
def test_V27_a_presentation_has_exactly_one_credential(kind: str, count: int) -> None:
    def multiply(payload: dict[str, Any]) -> None:
        credentials_in(payload)["verifiableCredential"] *= count

    presented = present(create(kind))
    assert_refused("malformed", lambda: parse_credential(resign(presented, multiply, signer=HOLDER_SIGNER)))


@EACH
def test_V27_a_single_credential_need_not_stand_in_an_array(kind: str) -> None:
    def unwrap(payload: dict[str, Any]) -> None:
        presentation = credentials_in(payload)
        (presentation["verifiableCredential"],) = presentation["verifiableCredential"]

    presented = present(create(kind))
    assert verify_presentation(resign(presented, unwrap, signer=HOLDER_SIGNER))


@EACH
def test_A50_a_presentation_of_a_presentation_or_of_another_kind_is_refused(kind: str) -> None:
    raw, others = (
        create(kind),
        [create(other) for other in KINDS if (other == "jwt_vc_json") != (kind == "jwt_vc_json")],
    )
    for other in (present(raw), *others):

        def swap(payload: dict[str, Any], other: str = other) -> None:
            text = json.dumps(payload).replace(raw, other)
            payload.clear()
            payload.update(json.loads(text))

        presented = resign(present(raw), swap, signer=HOLDER_SIGNER)
        assert_refused("malformed", lambda presented=presented: parse_credential(presented))  # type: ignore[misc]


@pytest.mark.parametrize(
    "enclosed",
    [
        "text",
        {"type": "VerifiableCredential", "id": "data:application/vc+jwt,a.b.c"},
        {"type": "EnvelopedVerifiableCredential"},
        {"type": "EnvelopedVerifiableCredential", "id": "data:application/vc+sd-jwt,a.b.c"},
        {"type": "EnvelopedVerifiableCredential", "id": "data:application/vc+jwt;base64,a.b.c"},
        {"type": "EnvelopedVerifiableCredential", "id": "data:application/vc+jwt,a.b"},
    ],
    ids=str,
)
def test_K57_what_is_not_enveloped_as_a_jwt_is_refused(enclosed: Any) -> None:
    presented = resign(present(issue("vc+jwt")), put(verifiableCredential=[enclosed]), signer=HOLDER_SIGNER)
    assert_refused("malformed", lambda: parse_credential(presented))


# Properties

SLOW = settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow], deadline=None)
PAYLOADS = [
    json.loads(json.dumps(parse_jwt(raw).payload)) for kind in KINDS for raw in (create(kind), present(create(kind)))
]


@SLOW
@given(nearly(PAYLOADS) | json_values())
def test_no_payload_makes_anything_but_a_credential_error(values: Any) -> None:
    for payload in values if isinstance(values, list) else [values]:
        for typ in ("vc+jwt", "JWT", "vp+jwt"):
            try:
                raw = sign_jwt(copy.deepcopy(payload), signer=ISSUER_SIGNER, typ=typ, header={"kid": ISSUER.kid})
            except UnicodeEncodeError:  # A text that is no Unicode cannot be signed, so nobody can send it.
                continue
            with suppress(CredentialError):
                check(raw)


def check(raw: str) -> None:
    parse_credential(raw)
    for judge in (verify, verify_presentation, present):
        with suppress(CredentialError):
            judge(raw)
