"""`pygrindvakt`, bindings of a Rust library for OpenID Federation, beside our entity statements, chains and policies.

It verifies single statements and applies policies; chains it lets the trust anchor resolve. So the links of a chain are
handed to it one by one, with the keys that the link above names (OpenID Federation 1.0 §10.2). It judges by the
machine's clock, so everything lives by that clock here.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pygrindvakt import GrindvaktError, federation, keys
from pygrindvakt import jwt as peer_jwt
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kernel import base64url
from kernel.errors import CredentialError, InvalidSignatureError, UntrustedIssuerError
from kernel.federation import (
    ENTITY_STATEMENT,
    MEDIA_TYPE,
    parse_entity_statement,
    verify_entity_configuration,
    verify_trust_chain,
)
from kernel.federation.metadata_policy import apply_metadata_policy, parse_metadata_policy
from kernel.jwt_vc_issuer import JwkSet
from runtime.federation import FederationResolver
from runtime.fetch import Fetcher
from tests.conftest import NewDatabase
from tests.issuer.conftest import IDENTIFIER, ORG, PUBLIC_URL, create_issuer
from tests.support.clock import FixedClock
from tests.support.federation import ANCHOR, INTERMEDIATE, LEAF, Federation
from tests.support.hosts import HostTransport


def today() -> datetime:
    """Now: the peer has no other clock."""
    return datetime.now(UTC).replace(microsecond=0)


def altered(token: str) -> str:
    """The same statement with one claim more, under the signature of before."""
    header, payload, signature = token.split(".")
    claims = base64url.decode(payload).replace(b"{", b'{"x":1,', 1)
    return ".".join((header, base64url.encode(claims), signature))


def accepted_by_peer(token: str, jwks: Mapping[str, Any] | None = None) -> bool:
    """Its own words under its own keys, or a superior's under that superior's."""
    try:
        if jwks is None:
            federation.verify_self_signed(token)
        else:
            federation.verify_typed(token, dict(jwks), ENTITY_STATEMENT)
    except GrindvaktError:
        return False
    return True


# What we say of ourselves


async def test_T07_the_peer_believes_the_entity_configuration_of_our_organisation(
    new_sqlite_database: NewDatabase,
) -> None:
    issuer = await create_issuer(new_sqlite_database("issuer"), FixedClock(today()))
    await issuer.api("PUT", f"/organisations/{ORG}/federation", json={"authority_hints": [INTERMEDIATE]})
    token = (await issuer.client.get(f"/{ORG}/.well-known/openid-federation")).text
    found = federation.verify_self_signed(token)
    assert (found.iss(), found.sub(), found.authority_hints()) == (IDENTIFIER, IDENTIFIER, [INTERMEDIATE])
    metadata = found.metadata("openid_credential_issuer")
    assert metadata is not None
    assert metadata["credential_issuer"].startswith(PUBLIC_URL)
    assert not accepted_by_peer(altered(token))
    await issuer.client.aclose()
    await issuer.app.state.service.close()


def test_T07_each_link_of_our_chain_holds_for_the_peer_with_the_keys_of_the_link_above() -> None:
    made = Federation(today())
    pinned = {"keys": [made.anchor.jwk]}
    own, about_leaf, about_intermediate, anchor = made.chain()
    assert accepted_by_peer(anchor, pinned)
    assert accepted_by_peer(about_intermediate, pinned)
    named = federation.decode_unverified(about_intermediate).jwks()
    assert accepted_by_peer(about_leaf, named)
    assert accepted_by_peer(own, federation.decode_unverified(about_leaf).jwks())
    assert accepted_by_peer(own)
    # Controls: keys of another, an altered link, one that is over.
    assert not accepted_by_peer(about_leaf, pinned)
    assert not accepted_by_peer(altered(about_leaf), named)
    over = made.intermediate.statement(
        made.leaf, today(), issued_at=today() - timedelta(days=2), expires_at=today() - timedelta(days=1)
    )
    assert not accepted_by_peer(over, named)


# What the peer says


class Peer:
    """A federation whose every key and statement is the peer's: an anchor, an intermediate and a leaf."""

    def __init__(self) -> None:
        self.keys = {
            entity: keys.signing_key_from_jwk(keys.generate_ec_jwk("P-256"), kid=f"key-{number}")
            for number, entity in enumerate((ANCHOR, INTERMEDIATE, LEAF))
        }
        self.above = {ANCHOR: [], INTERMEDIATE: [ANCHOR], LEAF: [INTERMEDIATE]}
        self.lie: Callable[[dict[str, Any]], None] = lambda claims: None

    def jwks(self, entity: str) -> dict[str, Any]:
        return dict(self.keys[entity].to_public_jwks())

    def configuration(self, entity: str) -> str:
        fetching = {"federation_entity": {"federation_fetch_endpoint": f"{entity}/fetch"}}
        metadata = {"vc_issuer": {"jwks": self.jwks(LEAF)}} if entity == LEAF else fetching
        return federation.build_entity_configuration(
            self.keys[entity], entity, self.jwks(entity), self.above[entity], metadata, None, 3600
        )

    def statement(self, issuer: str, subject: str) -> str:
        now = int(today().timestamp())
        claims = {"iss": issuer, "sub": subject, "iat": now, "exp": now + 3600, "jwks": self.jwks(subject)}
        if subject == LEAF:
            self.lie(claims)
        return peer_jwt.sign(self.keys[issuer], claims, ENTITY_STATEMENT)

    def chain(self) -> list[str]:
        return [
            self.configuration(LEAF),
            self.statement(INTERMEDIATE, LEAF),
            self.statement(ANCHOR, INTERMEDIATE),
            self.configuration(ANCHOR),
        ]

    @property
    def anchors(self) -> dict[str, JwkSet]:
        return {ANCHOR: JwkSet(tuple(self.jwks(ANCHOR)["keys"]))}

    def serve(self) -> HostTransport:
        """Each on its own host."""

        def app(entity: str) -> Starlette:
            def answer(text: str) -> Response:
                return Response(text, media_type=MEDIA_TYPE)

            async def own(_: Request) -> Response:
                return answer(self.configuration(entity))

            async def about(request: Request) -> Response:
                return answer(self.statement(entity, request.query_params["sub"]))

            path = "/stichting" if entity == LEAF else ""
            return Starlette(routes=[Route(f"{path}/.well-known/openid-federation", own), Route("/fetch", about)])

        return HostTransport({f"{entity.split('/')[2]}:443": app(entity) for entity in self.keys})


async def test_T07_a_federation_of_the_peer_is_climbed_over_http_to_its_anchor() -> None:
    peer = Peer()
    fetch = Fetcher(transport=peer.serve())
    chain = await FederationResolver(fetch, peer.anchors).resolve_trust_chain(LEAF, now=today())
    assert (chain.subject, chain.superiors) == (LEAF, (INTERMEDIATE, ANCHOR))
    assert chain.metadata["vc_issuer"] == {"jwks": peer.jwks(LEAF)}
    await fetch.close()


def test_T07_the_peers_entity_configuration_holds_and_altered_does_not() -> None:
    token = Peer().configuration(INTERMEDIATE)
    verify_entity_configuration(parse_entity_statement(token), entity=INTERMEDIATE, now=today())
    with pytest.raises(InvalidSignatureError):
        verify_entity_configuration(parse_entity_statement(altered(token)), entity=INTERMEDIATE, now=today())
    with pytest.raises(UntrustedIssuerError):
        verify_entity_configuration(parse_entity_statement(token), entity=ANCHOR, now=today())


@pytest.mark.parametrize(
    "lie",
    [
        lambda claims: claims.update(exp=int(today().timestamp()) - 3600),
        lambda claims: claims.update(sub=ANCHOR),
        lambda claims: claims.update(jwks=keys.signing_key_from_jwk(keys.generate_ec_jwk(), kid="x").to_public_jwks()),
        lambda claims: claims.update(constraints={"naming_constraints": {"excluded": [".skills.example"]}}),
    ],
)
def test_T07_A47_a_chain_of_the_peer_that_lies_in_one_way_is_refused(lie: Callable[[dict[str, Any]], None]) -> None:
    peer = Peer()
    assert verify_trust_chain(peer.chain(), subject=LEAF, anchors=peer.anchors, now=today()).anchor == ANCHOR
    peer.lie = lie
    with pytest.raises(CredentialError):
        verify_trust_chain(peer.chain(), subject=LEAF, anchors=peer.anchors, now=today())


# Metadata policies


POLICIES: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"a": "x"}, {"a": {"value": "y"}}),
    ({"a": ["x"]}, {"a": {"add": ["y"]}}),
    ({}, {"a": {"add": ["y"]}}),
    ({}, {"a": {"default": "y"}}),
    ({"a": "x"}, {"a": {"default": "y"}}),
    ({"a": "x"}, {"a": {"one_of": ["x", "y"]}}),
    ({"a": "z"}, {"a": {"one_of": ["x", "y"]}}),
    ({"a": ["x"]}, {"a": {"subset_of": ["x", "y"]}}),
    ({"a": ["x", "z"]}, {"a": {"superset_of": ["x"]}}),
    ({"a": ["z"]}, {"a": {"superset_of": ["x"]}}),
    ({}, {"a": {"essential": True}}),
    ({"a": "x"}, {"a": {"essential": True}}),
    ({"a": ["x"]}, {"a": {"add": ["y"], "subset_of": ["x", "y"]}}),
    ({"a": ["x"], "b": 1}, {"b": {"value": 2}}),
    ({}, {"a": {"one_of": ["x"]}}),
]


@pytest.mark.parametrize(("metadata", "policy"), POLICIES)
def test_T07_policies_leave_the_same_metadata_or_none_at_all(metadata: dict[str, Any], policy: dict[str, Any]) -> None:
    """§6.1.3, operator by operator."""
    try:
        theirs: Mapping[str, Any] | None = federation.apply_policy(metadata, policy)
    except GrindvaktError:
        theirs = None
    try:
        read = parse_metadata_policy({"vc_issuer": policy})
        ours: Mapping[str, Any] | None = apply_metadata_policy(read, {"vc_issuer": metadata})["vc_issuer"]
    except CredentialError:
        ours = None
    assert ours == theirs


def test_T07_a_value_that_is_not_allowed_is_left_out_here_where_the_peer_refuses_the_whole() -> None:
    """A known difference: `subset_of` is an intersection in table 1 of OpenID Federation 1.0, and here."""
    metadata, policy = {"a": ["x", "z"]}, {"a": {"subset_of": ["x", "y"]}}
    with pytest.raises(GrindvaktError):
        federation.apply_policy(metadata, policy)
    read = parse_metadata_policy({"vc_issuer": policy})
    assert apply_metadata_policy(read, {"vc_issuer": metadata})["vc_issuer"] == {"a": ["x"]}
