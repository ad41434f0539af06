"""kernel.x5c: from the leaf that signed to a configured anchor. PROFILE.md K-07, A-02, A-05."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtensionOID, NameOID
from hypothesis import given
from hypothesis import strategies as st

from kernel import base64url
from kernel.errors import CredentialError, MalformedError, UntrustedIssuerError
from kernel.jwt import verify_jwt
from kernel.keys import public_key_from
from kernel.x5c import (
    create_x5c,
    find_authority_key_identifiers,
    list_authority_key_identifiers,
    parse_x5c,
    verify_x5c,
    x509_hash,
)

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
YEAR = timedelta(days=365)
CA = x509.BasicConstraints(ca=True, path_length=None)


@dataclass(frozen=True)
class Authority:
    """A certificate and its private key, which can issue others."""

    certificate: x509.Certificate
    key: Any

    @property
    def x5c(self) -> str:
        return base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()


def key_usage(*names: str) -> x509.KeyUsage:
    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign"
        " encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: name in names for name in every.split()})


def create_certificate(
    name: str,
    issuer: Authority | None = None,
    *,
    constraints: x509.BasicConstraints | None = None,
    constraints_critical: bool = True,
    usage: x509.KeyUsage | None = None,
    dns_names: Sequence[str] = (),
    not_before: datetime = NOW - YEAR,
    not_after: datetime = NOW + YEAR,
    key: Any = None,
    authority_key_identifier: bool = True,
    extensions: Sequence[tuple[x509.ExtensionType, bool]] = (),
) -> Authority:
    """A valid certificate by default; a test changes exactly one thing."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signing_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer.certificate.subject if issuer else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(not_before)
        .not_valid_after(not_after)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )
    if authority_key_identifier:
        identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key())
        builder = builder.add_extension(identifier, critical=False)
    if constraints:
        builder = builder.add_extension(constraints, critical=constraints_critical)
    if usage:
        builder = builder.add_extension(usage, critical=True)
    if dns_names:
        alternatives = x509.SubjectAlternativeName([x509.DNSName(dns_name) for dns_name in dns_names])
        builder = builder.add_extension(alternatives, critical=False)
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical=critical)
    return Authority(builder.sign(signing_key, SHA256()), key)


ROOT = create_certificate("Root", constraints=CA, usage=key_usage("key_cert_sign"))
INTERMEDIATE = create_certificate("Intermediate", ROOT, constraints=CA, usage=key_usage("key_cert_sign", "crl_sign"))
LEAF = create_certificate(
    "Leaf", INTERMEDIATE, usage=key_usage("digital_signature"), dns_names=["verifier.example", "Other.Example"]
)
ANCHORS = [ROOT.certificate]


def chain(*authorities: Authority) -> list[str]:
    return [authority.x5c for authority in authorities]


def verify(x5c: object, **changes: Any) -> Any:
    return verify_x5c(x5c, **{"anchors": ANCHORS, "now": NOW, **changes})


def under_root(**changes: Any) -> list[str]:
    return chain(create_certificate("Leaf", ROOT, **changes))


# What is accepted


def test_K07_chain_over_an_intermediate_gives_the_leafs_key():
    verified = verify(chain(LEAF, INTERMEDIATE))
    assert verified.leaf == LEAF.certificate
    assert verified.leaf_key == public_key_from(LEAF.key.public_key())


def test_K07_chain_is_accepted_as_list_and_as_tuple():
    assert verify(tuple(chain(LEAF, INTERMEDIATE))).leaf == LEAF.certificate


def test_K07_chain_is_written_as_it_is_read():
    x5c = under_root()
    assert create_x5c(parse_x5c(x5c)) == x5c


def test_K07_the_anchor_may_be_the_intermediate_itself():
    assert verify(chain(LEAF), anchors=[INTERMEDIATE.certificate]).leaf == LEAF.certificate
    assert verify(chain(LEAF), anchors=[INTERMEDIATE.certificate]).anchor == INTERMEDIATE.certificate


def test_K07_key_usage_and_constraints_of_a_leaf_may_be_absent():
    assert verify(under_root()).leaf_key
    assert verify(under_root(constraints=x509.BasicConstraints(ca=False, path_length=None))).leaf_key


def test_K07_authority_key_identifiers_are_those_of_every_certificate():
    """OpenID4VP 1.0 §6.1.1.1."""
    expected = {
        base64url.encode(x509.SubjectKeyIdentifier.from_public_key(issuer.key.public_key()).digest)
        for issuer in (ROOT, INTERMEDIATE)
    }
    assert verify(chain(LEAF, INTERMEDIATE)).authority_key_identifiers == expected


def test_K07_a_certificate_without_authority_key_identifier_names_none():
    empty = x509.AuthorityKeyIdentifier(None, [x509.DirectoryName(ROOT.certificate.subject)], 1)
    assert verify(under_root(authority_key_identifier=False)).authority_key_identifiers == frozenset()
    x5c = under_root(authority_key_identifier=False, extensions=[(empty, False)])
    assert verify(x5c).authority_key_identifiers == frozenset()


@pytest.mark.parametrize("moment", [NOW - YEAR, NOW + YEAR])
def test_K07_validity_includes_both_ends(moment: datetime):
    root = create_certificate("Root", constraints=CA, not_before=NOW - 2 * YEAR, not_after=NOW + 2 * YEAR)
    x5c = chain(create_certificate("Leaf", root))
    assert verify(x5c, anchors=[root.certificate], now=moment).leaf


@pytest.mark.parametrize("dns_name", ["verifier.example", "VERIFIER.EXAMPLE", "other.example"])
def test_K07_leaf_is_accepted_for_each_of_its_dns_names(dns_name: str):
    assert verify(chain(LEAF, INTERMEDIATE), dns_name=dns_name).leaf == LEAF.certificate


# What is refused


@pytest.mark.parametrize(
    "x5c",
    [
        pytest.param(chain(LEAF, INTERMEDIATE, ROOT), id="anchor in the chain"),
        pytest.param(chain(ROOT), id="the anchor itself"),
        pytest.param(chain(LEAF), id="intermediate missing"),
        pytest.param(chain(INTERMEDIATE, LEAF), id="wrong order"),
        pytest.param(chain(LEAF, INTERMEDIATE, INTERMEDIATE), id="certificate twice"),
        pytest.param(
            chain(LEAF, INTERMEDIATE, create_certificate("Idle", ROOT, constraints=CA)), id="one certificate too many"
        ),
        pytest.param(chain(create_certificate("Self")), id="self-signed leaf"),
        pytest.param(chain(create_certificate("Root")), id="self-signed with the name of the anchor"),
        pytest.param(
            chain(create_certificate("Leaf", create_certificate("Root", constraints=CA))), id="anchor of the same name"
        ),
        pytest.param(under_root(not_after=NOW - timedelta(seconds=1)), id="expired leaf"),
        pytest.param(under_root(not_before=NOW + timedelta(seconds=1)), id="leaf not valid yet"),
        pytest.param(
            chain(
                LEAF,
                create_certificate(
                    "Intermediate", ROOT, constraints=CA, key=INTERMEDIATE.key, not_after=NOW - YEAR / 2
                ),
            ),
            id="expired intermediate",
        ),
        pytest.param(under_root(constraints=CA), id="leaf that is an authority"),
        pytest.param(under_root(usage=key_usage("key_agreement")), id="leaf that may not sign"),
        pytest.param(under_root(key=ec.generate_private_key(ec.SECP521R1())), id="key of a kind we never verify with"),
        pytest.param(
            under_root(extensions=[(x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00"), True)]),
            id="unknown critical extension",
        ),
    ],
)
def test_K07_A05_a_chain_that_is_not_exactly_a_valid_path_is_refused(x5c: list[str]):
    with pytest.raises(CredentialError) as refused:
        verify(x5c)
    assert refused.value.code in ("issuer", "malformed")


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"constraints": None}, id="no basic constraints"),
        pytest.param({"constraints": x509.BasicConstraints(ca=False, path_length=None)}, id="CA false"),
        pytest.param({"constraints": CA, "constraints_critical": False}, id="constraints not critical"),
        pytest.param({"constraints": CA, "usage": key_usage("digital_signature")}, id="may not sign certificates"),
    ],
)
def test_K07_A05_a_leaf_under_a_certificate_that_is_no_authority_is_refused(changes: dict[str, Any]):
    middle = create_certificate("Middle", ROOT, **changes)
    with pytest.raises(UntrustedIssuerError):
        verify(chain(create_certificate("Leaf", middle), middle))


def test_K07_A05_a_path_longer_than_its_constraint_is_refused():
    first = create_certificate("First", ROOT, constraints=x509.BasicConstraints(ca=True, path_length=0))
    second = create_certificate("Second", first, constraints=CA)
    assert verify(chain(create_certificate("Leaf", first), first)).leaf
    with pytest.raises(UntrustedIssuerError):
        verify(chain(create_certificate("Leaf", second), second, first))


def test_K07_A05_a_name_outside_the_constraints_of_its_issuer_is_refused():
    allowed = x509.NameConstraints(permitted_subtrees=[x509.DNSName("school.example")], excluded_subtrees=None)
    middle = create_certificate("Middle", ROOT, constraints=CA, extensions=[(allowed, True)])
    good, bad = (
        create_certificate("Leaf", middle, dns_names=[f"a.{host}"]) for host in ("school.example", "evil.example")
    )
    assert verify(chain(good, middle)).leaf
    with pytest.raises(UntrustedIssuerError):
        verify(chain(bad, middle))


def test_K07_A05_a_leaf_that_bears_the_name_of_its_issuer_is_refused():
    root = create_certificate("Same", constraints=CA)
    with pytest.raises(UntrustedIssuerError):
        verify(chain(create_certificate("Same", root)), anchors=[root.certificate])


@pytest.mark.parametrize("anchors", [(ROOT, INTERMEDIATE), (INTERMEDIATE, ROOT), (LEAF,)])
def test_K07_A05_a_chain_that_contains_any_anchor_is_refused(anchors: tuple[Authority, ...]):
    with pytest.raises(UntrustedIssuerError):
        verify(chain(LEAF, INTERMEDIATE), anchors=[anchor.certificate for anchor in anchors])


def test_T05_leaf_that_is_itself_configured_is_its_own_path():
    assert verify(chain(LEAF), anchors=[LEAF.certificate]).leaf == LEAF.certificate
    assert verify(chain(LEAF), anchors=[LEAF.certificate]).anchor == LEAF.certificate
    assert verify(chain(LEAF), anchors=[INTERMEDIATE.certificate, LEAF.certificate]).leaf == LEAF.certificate


def test_T05_configured_leaf_is_still_judged_as_a_leaf():
    for listed in (ROOT, INTERMEDIATE, create_certificate("Self")):
        with pytest.raises(UntrustedIssuerError):
            verify(chain(listed), anchors=[listed.certificate])
    with pytest.raises(UntrustedIssuerError):
        verify(chain(LEAF), anchors=[LEAF.certificate], now=NOW + timedelta(days=9999))


def test_A05_no_anchor_means_no_trust():
    with pytest.raises(UntrustedIssuerError):
        verify(chain(LEAF, INTERMEDIATE), anchors=[])


@pytest.mark.parametrize("dns_name", ["", "example", "evil.example", "a.verifier.example", "*.example", "Leaf"])
def test_K07_A05_a_leaf_for_another_name_is_refused(dns_name: str):
    with pytest.raises(UntrustedIssuerError):
        verify(chain(LEAF, INTERMEDIATE), dns_name=dns_name)


def test_K07_A05_wildcards_and_common_names_are_no_dns_names():
    wildcard = under_root(dns_names=["*.example"])
    with pytest.raises(UntrustedIssuerError):
        verify(wildcard, dns_name="verifier.example")
    with pytest.raises(UntrustedIssuerError):
        verify(chain(create_certificate("verifier.example", ROOT)), dns_name="verifier.example")


@pytest.mark.parametrize(
    "x5c",
    [
        None,
        "",
        LEAF.x5c,
        {},
        [],
        [None],
        [5],
        [""],
        ["AAAA"],
        [LEAF.x5c.encode()],
        [LEAF.x5c + "\n"],
        [LEAF.x5c[:-4]],
        [base64url.encode(LEAF.certificate.public_bytes(Encoding.DER))],
        [LEAF.certificate.public_bytes(Encoding.PEM).decode()],
        [base64.b64encode(LEAF.certificate.public_bytes(Encoding.DER) + b"\0").decode()],
        ["A" * 20_000],
        [LEAF.x5c] * 6,
    ],
)
def test_K07_x5c_of_another_form_is_refused(x5c: object):
    with pytest.raises(MalformedError):
        verify(x5c)


def test_K06_trailing_bits_in_a_certificate_are_refused():
    """Padded base64 too has several spellings of its last byte."""
    names = (f"Leaf {'x' * length}" for length in range(60))
    padded = next(leaf.x5c for leaf in (create_certificate(name, ROOT) for name in names) if leaf.x5c.endswith("="))
    body = padded.rstrip("=")
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    other = alphabet[alphabet.index(body[-1]) + 1]
    assert parse_x5c([padded])
    with pytest.raises(MalformedError):
        parse_x5c([body[:-1] + other + "=" * (len(padded) - len(body))])


# The library warns of a serial number below one, which a changed byte can make; later releases refuse it.
@pytest.mark.filterwarnings("ignore:Parsed a serial number")
@given(st.data())
def test_A05_no_mutated_certificate_raises_anything_but_a_credential_error(data: st.DataObject):
    """Every byte that is not the leaf's own must cost it the trust of its anchor."""
    der = bytearray(LEAF.certificate.public_bytes(Encoding.DER))
    position = data.draw(st.integers(0, len(der) - 1))
    der[position] ^= data.draw(st.integers(1, 255))
    with pytest.raises(CredentialError):
        verify([base64.b64encode(der).decode(), INTERMEDIATE.x5c], dns_name="verifier.example")


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (ec.generate_private_key(ec.SECP384R1()), "ES384"),
        (ed25519.Ed25519PrivateKey.generate(), "Ed25519"),
        (rsa.generate_private_key(65537, 2048), "RS256"),
    ],
)
def test_K07_leaf_keys_of_every_kind_that_we_verify_with_are_read(key: Any, algorithm: str):
    leaf_key = verify(under_root(key=key)).leaf_key
    assert leaf_key == public_key_from(key.public_key())
    assert algorithm in leaf_key.algorithms


# Worked example 13


def test_K07_worked_example_13_request_object_names_its_leaf_by_hash(profile_vectors: dict[str, Any]):
    request = profile_vectors["request_haip"]
    leaf = parse_x5c(request["header"]["x5c"])[0]
    verified = verify_jwt(
        request["jwt"],
        key=public_key_from(leaf.public_key()),
        typ="oauth-authz-req+jwt",
        algorithms=frozenset({"ES256"}),
    )
    assert verified.payload == request["payload"]
    assert verified.payload["client_id"] == f"x509_hash:{x509_hash(leaf)}"


def test_K07_worked_example_13_chain_is_not_trusted_under_another_anchor_of_the_same_name(
    profile_vectors: dict[str, Any],
):
    x5c = profile_vectors["request_haip"]["header"]["x5c"]
    impostor = create_certificate("Skills Ecosystem Demo CA", constraints=CA)
    with pytest.raises(UntrustedIssuerError):
        verify(x5c, anchors=[impostor.certificate])


def test_K97_what_a_chain_says_of_its_authorities_is_read_without_believing_it():
    """Also of a chain that leads nowhere; none of what is no chain, and of a certificate that cannot be read whole."""
    identifiers = verify(chain(LEAF, INTERMEDIATE)).authority_key_identifiers
    assert find_authority_key_identifiers(chain(LEAF, INTERMEDIATE)) == identifiers
    assert find_authority_key_identifiers(chain(LEAF)) < identifiers
    for broken in ((), None, ["AAAA"], "x"):
        assert find_authority_key_identifiers(broken) == frozenset()


def test_T05_authority_key_identifiers_of_any_number_of_certificates_are_listed():
    """What a list pins is no chain: there may be more than five, and an unreadable one takes nothing away."""
    issuers = [create_certificate(f"Authority {number}", constraints=CA) for number in range(6)]
    pinned = [create_certificate("Leaf", issuer).certificate for issuer in issuers]
    unreadable = create_certificate(
        "Leaf",
        ROOT,
        authority_key_identifier=False,
        extensions=[(x509.UnrecognizedExtension(ExtensionOID.AUTHORITY_KEY_IDENTIFIER, b"?"), False)],
    )
    identifiers = list_authority_key_identifiers([unreadable.certificate, *pinned])
    assert identifiers == {
        base64url.encode(x509.SubjectKeyIdentifier.from_public_key(issuer.key.public_key()).digest)
        for issuer in issuers
    }
