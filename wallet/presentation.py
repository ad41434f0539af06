"""Showing a badge: read the question, say what an answer would show and hide, and answer it once.

The question is signed and checked before anything of it is shown (W-41). What the wallet holds is matched here
and tells the verifier nothing: no answer, and no difference in behaviour, before the person has acted (A-39).
Exactly what the person saw is sent: a choice names the answer that was drawn on the page, and an answer that
can no longer be given is refused instead of replaced.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from itertools import islice, product
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import load_der_x509_certificate

from kernel import base64url
from kernel.dcql import Answer, Candidate, DcqlMatch, SetMatch, match
from kernel.errors import AlgorithmNotAllowedError, CredentialError, MalformedError, UndecidedError
from kernel.formats import FORMATS
from kernel.keys import parse_public_jwk, public_key_from
from kernel.openid4vp import (
    ACCESS_DENIED,
    MEDIA_TYPE,
    VP_FORMATS_NOT_SUPPORTED,
    AuthorizationRequest,
    ClientIdPrefix,
    RequestByReference,
    RequestByValue,
    RequestSender,
    UnsignedRequest,
    authorization_error_code,
    create_error_form,
    create_request_uri_form,
    create_response_form,
    parse_authorization_request_link,
    parse_client_identifier,
    parse_request_object,
    parse_response_reply,
    verify_request_object,
    verify_request_sender,
    verify_unsigned_request,
)
from kernel.trust_list import Outcome
from kernel.x5c import parse_x5c
from runtime.fetch import FetchKind
from runtime.logging import get_logger
from runtime.tokens import create_token
from wallet import store
from wallet.claims import Fact, find_hidden_facts, find_shown_facts, shown_name, shown_text
from wallet.credentials import Badge, HeldForm, find_badges
from wallet.errors import (
    ChoiceError,
    LinkError,
    NoMatchError,
    RequestExpiredError,
    RequestRefusedError,
    UnconfirmedError,
    UnreachableError,
    VerifierRefusedError,
)
from wallet.history import HistoryOutcome, HistoryRecord, ShownClaim, add_history_record, set_history_outcome
from wallet.holder_keys import get_holder_signer
from wallet.models import PresentationRequest
from wallet.recognition import PartyRecognition, recognition_json, resolve_party_recognition
from wallet.settings import Wallet
from wallet.vault import Vault

log = get_logger(__name__)

_MAX_ALTERNATIVES = 50
# The same badge may be held in several forms; so many ways are looked at for those fifty.
_MAX_WAYS = 5 * _MAX_ALTERNATIVES
_STATE_ORDER = ("valid", "unknown", "told", "not_yet_valid", "suspended", "expired", "revoked")


# By credential query, which form of which badge answers it.
_Way = tuple[tuple[str, Answer], ...]


@dataclass(frozen=True, slots=True)
class Part:
    """One badge shown in answer to one credential query: what they would see of it, and what not."""

    query_id: str
    form_id: str
    badge: Badge
    answer: Answer
    shown: tuple[Fact, ...]
    hidden: tuple[Fact, ...]
    is_whole: bool
    """Whether this form of the badge hides nothing: who is shown it sees all that stands on it."""

    def asked_skills(self) -> list[str]:
        """The skills that were asked for; a badge that is shown whole shows its others too."""
        return [fact.value for fact in self.shown if fact.is_skill and self._is_asked(fact)]

    def _is_asked(self, fact: Fact) -> bool:
        return any(path[: len(fact.path)] == fact.path for path in self.answer.claims)


@dataclass(frozen=True, slots=True)
class Alternative:
    """One way to answer one question. The key names exactly these forms for these queries."""

    key: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class AskedQuestion:
    """Something that is asked, and every way in which this wallet can answer it, the best first."""

    id: str
    required: bool
    alternatives: tuple[Alternative, ...]

    @property
    def skills(self) -> tuple[str, ...]:
        """The skills that every way was asked for, by their names on the badges: what the question is about."""
        shown = [dict.fromkeys(name for part in way.parts for name in part.asked_skills()) for way in self.alternatives]
        return tuple(name for name in (shown[0] if shown else ()) if all(name in names for names in shown))

    def further_facts(self, part: Part) -> list[Fact]:
        """What one way shows besides the skills that every way shows."""
        return [fact for fact in part.shown if not (fact.is_skill and fact.value in self.skills)]


@dataclass(frozen=True, slots=True)
class RequestPage:
    """What the person must know before answering (W-47)."""

    id: str
    state: str
    client_id: str
    host: str
    verifier_name: str
    """What the list calls whoever asks, else their host."""
    verifier_own_name: str
    """What they call themselves, which nobody checked."""
    is_signed: bool
    recognition: PartyRecognition
    purpose: Mapping[str, str]
    questions: tuple[AskedQuestion, ...]
    expires_at: datetime

    @property
    def is_answerable(self) -> bool:
        """Whether everything required can be answered; if not, nothing may be sent (OpenID4VP 1.0 §6.4.2)."""
        required = [question for question in self.questions if question.required]
        return all(question.alternatives for question in required) and any(
            question.alternatives for question in self.questions
        )

    def fixed_parts(self) -> list[tuple[Badge, tuple[Fact, ...], bool]]:
        """What is shown where there is nothing to choose: each badge once, all that is shown, whether it is all of it.

        Two forms of a badge may name a fact at two places; it is told once.
        """
        shown: dict[str, list[Part]] = {}
        for question in self.questions:
            if question.required and len(question.alternatives) == 1:
                for part in question.alternatives[0].parts:
                    shown.setdefault(part.badge.id, []).append(part)
        return [(parts[0].badge, _merge(parts), any(part.is_whole for part in parts)) for parts in shown.values()]

    def hidden_labels(self) -> list[str]:
        """What of the person stays hidden, whichever way is chosen; skills are listed by `hidden_skills`."""
        facts = [fact for part in self._required_parts() for fact in part.hidden if not fact.is_skill]
        shown = {fact.label for part in self._required_parts() for fact in part.shown}
        return list(dict.fromkeys(fact.label for fact in facts if fact.label not in shown))

    def hidden_skills(self) -> list[str]:
        """The skills on the badges that stay hidden, whichever way is chosen."""
        shown = {fact.value for part in self._required_parts() for fact in part.shown}
        hidden = [fact.value for part in self._required_parts() for fact in part.hidden if fact.is_skill]
        return list(dict.fromkeys(value for value in hidden if value not in shown))

    def _required_parts(self) -> list[Part]:
        return [
            part
            for question in self.questions
            if question.required
            for alternative in question.alternatives
            for part in alternative.parts
        ]

    def skills(self) -> list[str]:
        """The skills that are asked for and would be shown if the person changed nothing."""
        asked = [name for part in self.proposed_parts() for name in part.asked_skills()]
        return list(dict.fromkeys(asked)) if self.is_answerable else []

    def proposed_parts(self) -> list[Part]:
        """What would be shown if the person changed nothing: the first way to answer what is required."""
        required = (question for question in self.questions if question.required and question.alternatives)
        return [part for question in required for part in question.alternatives[0].parts]


async def resolve_request(
    wallet: Wallet, vault: Vault, text: str, now: datetime, *, language: str = "nl"
) -> RequestPage:
    """Read a link, a QR code's text or a pasted question; fetch it, check it, and match it. OpenID4VP 1.0 §5."""
    link_digest = vault.digest("request link", text.strip())
    async with wallet.database.reading() as session:
        known = await store.find_request_by_link(session, vault.account_id, link_digest, now)
    if known is not None:
        return await get_request(wallet, vault, known.id, now, language=language)
    content = await _resolve_content(wallet, _parse_link(text), now)
    try:
        request = _read_request(content, now)
    except CredentialError as exc:
        refused = await _keep_refused(wallet, vault, link_digest, content, exc, now)
        raise RequestRefusedError(exc, request_id=refused) from exc
    recognition = await resolve_party_recognition(
        wallet.resolver, identifiers=_identifiers_of(request), service="verification", now=now, **_signer_of(content)
    )
    content["recognition"] = recognition_json(recognition)
    row = PresentationRequest(
        id=create_token(16),
        account_id=vault.account_id,
        link_digest=link_digest,
        request_digest=vault.digest("request", f"{request.client_id}\0{request.nonce}"),
        state="open",
        sealed=b"",
        created_at=now,
        expires_at=min(request.expires_at, now + wallet.settings.request_lifetime),
    )
    row.sealed = vault.seal("request", row.id, content)
    async with wallet.database.transaction() as session:
        await store.forget_requests(session, now=now)
        await store.add_request(session, row)
    return await get_request(wallet, vault, row.id, now, language=language)


async def get_request(
    wallet: Wallet, vault: Vault, request_id: str, now: datetime, *, language: str = "nl"
) -> RequestPage:
    """The question as it stands, matched with what the wallet holds now."""
    async with wallet.database.reading() as session:
        row = await store.get_request(session, vault.account_id, request_id)
    if row.expires_at <= now:
        raise RequestExpiredError
    content = vault.open("request", row.id, row.sealed)
    if "refusal" in content:
        raise RequestRefusedError(
            detail=content["refusal"]["cause"], request_id=row.id if row.state == "open" else None
        )
    request = _read_request(content, now)
    # Every badge's state is asked for, not only that of those that fit: what is looked up tells nobody what fits.
    badges = await find_badges(wallet, vault, now)
    recognition = PartyRecognition(**content["recognition"])
    return RequestPage(
        id=row.id,
        state=row.state,
        client_id=request.client_id,
        host=_host_of(request),
        verifier_name=recognition.entity_name or _host_of(request),
        verifier_own_name=shown_name(request.client_metadata.client_name or ""),
        is_signed=request.is_signed,
        recognition=recognition,
        purpose={language: shown_text(text) for language, text in request.purpose.items()},
        questions=tuple(_match_questions(request, badges, language)),
        expires_at=row.expires_at,
    )


async def get_verifier_name(wallet: Wallet, vault: Vault, request_id: str, now: datetime) -> str:
    """What whoever asked is called, also where the question cannot be answered."""
    try:
        return (await get_request(wallet, vault, request_id, now)).verifier_name
    except RequestRefusedError:
        async with wallet.database.reading() as session:
            row = await store.get_request(session, vault.account_id, request_id)
        content = vault.open("request", row.id, row.sealed)
        return urlsplit(_read_sender(content, datetime.fromisoformat(content["received_at"])).response_uri).netloc


async def accept_request(
    wallet: Wallet,
    vault: Vault,
    request_id: str,
    choices: Mapping[str, str],
    now: datetime,
    *,
    language: str = "nl",
) -> str | None:
    """Show what was chosen, once, and return where the verifier wants the browser to go on. OpenID4VP 1.0 §8."""
    page = await get_request(wallet, vault, request_id, now, language=language)
    async with wallet.database.reading() as session:
        row = await store.get_request(session, vault.account_id, request_id)
        request = _read_request(vault.open("request", row.id, row.sealed), now)
    parts = _choose(page, choices)
    record = _history_of(page, parts, now)
    try:
        form = create_response_form(request, await _create_vp_token(wallet, vault, request, parts, now))
    except AlgorithmNotAllowedError as exc:
        await _refuse_unencrypted(wallet, vault, page, request, authorization_error_code(exc), now)
        raise RequestRefusedError(exc) from exc
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, request_id, now)
        await add_history_record(session, vault, record)
    return await _submit_response(wallet, vault, request_id, request, form, record)


async def decline_request(wallet: Wallet, vault: Vault, request_id: str, now: datetime) -> str | None:
    """Say no. The verifier hears `access_denied`, the same as when nothing fits (§8.5, A-39).

    Of a question that cannot be answered at all it hears why: what was asked is wrong, or of a format that no wallet
    of this kind holds. That too only now that the person has acted (W-53).
    """
    async with wallet.database.reading() as session:
        row = await store.get_request(session, vault.account_id, request_id)
    if row.expires_at <= now:
        raise RequestExpiredError
    content = vault.open("request", row.id, row.sealed)
    if "refusal" in content:
        return await _decline_refused(wallet, vault, request_id, content, now)
    request = _read_request(content, row.created_at)
    error = ACCESS_DENIED if request.dcql_query.formats & FORMATS.keys() else VP_FORMATS_NOT_SUPPORTED
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, request_id, now)
        await add_history_record(session, vault, _declined(request, content["recognition"], now))
        await store.set_request_state(session, vault.account_id, request_id, "declined")
    return await _submit_error(wallet, request, error)


def request_json(page: RequestPage) -> dict[str, Any]:
    """The question for the API."""
    return {
        "id": page.id,
        "state": page.state,
        "verifier": {
            "name": page.verifier_name,
            "own_name": page.verifier_own_name,
            "client_id": page.client_id,
            "host": page.host,
            "is_signed": page.is_signed,
            "recognition": recognition_json(page.recognition),
        },
        "purpose": page.purpose.get("nl") or next(iter(page.purpose.values()), ""),
        "purposes": dict(page.purpose),
        "questions": [
            {
                "id": question.id,
                "required": question.required,
                "alternatives": [
                    {"key": alternative.key, "parts": [_part_json(part) for part in alternative.parts]}
                    for alternative in question.alternatives
                ],
            }
            for question in page.questions
        ],
        "answerable": page.is_answerable,
        "share": [_part_json(part) for part in page.proposed_parts()] if page.is_answerable else [],
        "expires_at": page.expires_at.isoformat(),
    }


# --- reading the question


def _parse_link(text: str) -> RequestByReference | RequestByValue | UnsignedRequest:
    try:
        return parse_authorization_request_link(text.strip())
    except MalformedError as exc:
        raise LinkError(exc.detail) from exc
    except CredentialError as exc:
        raise RequestRefusedError(exc) from exc


async def _resolve_content(
    wallet: Wallet, link: RequestByReference | RequestByValue | UnsignedRequest, now: datetime
) -> dict[str, Any]:
    """Everything needed to read the question again: its bytes, and the key its client identifier leads to."""
    try:
        match link:
            case UnsignedRequest():
                content: dict[str, Any] = {"parameters": dict(link.parameters)}
                verify_unsigned_request(link, now=now)
            case RequestByValue():
                content = {"raw": link.request, "wallet_nonce": None}
            case RequestByReference():
                content = await _fetch_request_object(wallet, link)
        content["client_id"] = link.client_id.text
        content["received_at"] = now.isoformat()
        if "raw" in content:
            content |= await _resolve_key(wallet, content, now)
    except UndecidedError as exc:
        raise UnreachableError(exc.detail) from exc
    except CredentialError as exc:
        raise RequestRefusedError(exc) from exc
    return content


async def _fetch_request_object(wallet: Wallet, link: RequestByReference) -> dict[str, Any]:
    """§5.10: by GET, or by POST with a nonce of ours that the object must carry (W-42)."""
    if link.request_uri_method == "get":
        response = await wallet.fetch.get(link.request_uri, accept=MEDIA_TYPE, kind=FetchKind.REQUEST_OBJECT)
        return {"raw": response.text(), "wallet_nonce": None}
    wallet_nonce = create_token(16)
    response = await wallet.fetch.post_form(
        link.request_uri,
        create_request_uri_form(wallet_nonce),
        headers={"Accept": MEDIA_TYPE},
        kind=FetchKind.REQUEST_OBJECT,
    )
    if response.status != 200 or response.media_type != MEDIA_TYPE:
        raise RequestRefusedError(detail=f"request_uri answered {response.status}")
    return {"raw": response.text(), "wallet_nonce": wallet_nonce}


async def _resolve_key(wallet: Wallet, content: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The key that the client identifier calls for: from its DID document, or from the list's anchors (W-43)."""
    request = parse_request_object(content["raw"], client_id=content["client_id"])
    if request.did is not None and request.key_id is not None:
        key = await wallet.resolver.resolve_did_key(request.did, request.key_id, now=now)
        return {"key": key.jwk}
    trust_list = await wallet.resolver.resolve_trust_list(now=now)
    anchors = trust_list.verifier_anchors if trust_list else ()
    return {"anchors": [base64url.encode(anchor.public_bytes(Encoding.DER)) for anchor in anchors]}


def _read_request(content: Mapping[str, Any], now: datetime) -> AuthorizationRequest:
    """The question, with every check of §5 that needs no network made again. `now` decides whether it is too old."""
    if "parameters" in content:
        unsigned = UnsignedRequest(parse_client_identifier(content["client_id"]), content["parameters"])
        return verify_unsigned_request(unsigned, now=now)
    return verify_request_object(content["raw"], **_proof_of(content), now=now)


async def _keep_refused(
    wallet: Wallet,
    vault: Vault,
    link_digest: bytes,
    content: dict[str, Any],
    cause: CredentialError,
    now: datetime,
) -> str | None:
    """Keep a question that cannot be answered, so that the person may let its sender know; None if that is not sure."""
    try:
        sender = _read_sender(content, now)
    except CredentialError:
        return None
    content["refusal"] = {"error": authorization_error_code(cause), "cause": f"{cause.code}: {cause.detail}"}
    row = PresentationRequest(
        id=create_token(16),
        account_id=vault.account_id,
        link_digest=link_digest,
        request_digest=vault.digest("request", f"{sender.client_id}\0{content['raw']}"),
        state="open",
        sealed=b"",
        created_at=now,
        expires_at=now + wallet.settings.request_lifetime,
    )
    row.sealed = vault.seal("request", row.id, content)
    async with wallet.database.transaction() as session:
        await store.forget_requests(session, now=now)
        await store.add_request(session, row)
    return row.id


def _read_sender(content: Mapping[str, Any], now: datetime) -> RequestSender:
    """Who sent the question, as certain as for one that can be answered. An unsigned one proves nobody."""
    if "raw" not in content:
        raise MalformedError("nobody signed it")
    return verify_request_sender(content["raw"], **_proof_of(content), now=now)


def _proof_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """By what a kept request object is checked: its client identifier, and the key or anchors that go with it."""
    return {
        "client_id": content["client_id"],
        "key": parse_public_jwk(content["key"]) if "key" in content else None,
        "anchors": [load_der_x509_certificate(base64url.decode(anchor)) for anchor in content.get("anchors", ())],
        "wallet_nonce": content["wallet_nonce"],
    }


def _signer_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """The key or certificate that signed a question which was read: by these too the list knows its party."""
    if "raw" not in content:
        return {}
    if "key" in content:
        return {"key": parse_public_jwk(content["key"])}
    leaf = parse_x5c(parse_request_object(content["raw"], client_id=content["client_id"]).x5c)[0]
    return {"key": public_key_from(leaf.public_key()), "certificate": leaf}


def _identifiers_of(request: AuthorizationRequest) -> tuple[str, ...]:
    value = request.client_id.partition(":")[2]
    return (request.client_id, value)


def _host_of(request: AuthorizationRequest) -> str:
    """The host that the client identifier proves, else the one the answer goes to."""
    value = request.client_id.partition(":")[2]
    if request.prefix is ClientIdPrefix.DECENTRALIZED_IDENTIFIER and value.startswith("did:web:"):
        return unquote(value.removeprefix("did:web:").partition(":")[0])
    if request.prefix is ClientIdPrefix.X509_SAN_DNS:
        return value
    return urlsplit(request.response_uri).netloc


# --- matching


def _match_questions(request: AuthorizationRequest, badges: Sequence[Badge], language: str) -> Iterable[AskedQuestion]:
    """Each set of the query as one question; without sets, each credential query (§6.4.2)."""
    held = {form.id: (badge, form) for badge in sorted(badges, key=_rank) for form in badge.forms}
    found = match(request.dcql_query, [_candidate(form) for _, form in held.values()])
    sets: Sequence[SetMatch] = found.sets
    if not request.dcql_query.credential_sets:
        sets = [
            SetMatch(required=True, options=((query.id,),) if found.answers[query.id] else ())
            for query in request.dcql_query.credentials
        ]
    for number, asked in enumerate(sets):
        yield AskedQuestion(f"q{number}", asked.required, tuple(_alternatives(asked, found, held, language)))


def _rank(badge: Badge) -> tuple[int, bool]:
    """Badges that hold now come first, and among them those of a recognised issuer."""
    return _STATE_ORDER.index(badge.state.kind), not badge.recognition.is_recognised


def _alternatives(
    asked: SetMatch, found: DcqlMatch, held: Mapping[str, tuple[Badge, HeldForm]], language: str
) -> Iterable[Alternative]:
    """Every way to meet one set, the best first. The same badges in other forms are no other way: of those the one is
    taken in which the fewest badges are shown whole, and among equals the one that the verifier prefers."""
    flat = (
        tuple(zip(option, answers, strict=True))
        for option in asked.options
        for answers in islice(_combinations(found, option), _MAX_ALTERNATIVES)
    )
    ways: dict[frozenset[str], list[_Way]] = {}
    for way in islice(flat, _MAX_WAYS):
        ways.setdefault(frozenset(held[answer.candidate_id][0].id for _, answer in way), []).append(way)
    for same in islice(ways.values(), _MAX_ALTERNATIVES):
        best = min(same, key=lambda way: sum(held[answer.candidate_id][1].is_whole for _, answer in way))
        parts = tuple(_part(query_id, answer, *held[answer.candidate_id], language) for query_id, answer in best)
        yield Alternative(",".join(f"{part.query_id}:{part.form_id}" for part in parts), parts)


def _combinations(found: DcqlMatch, option: Sequence[str]) -> Iterable[tuple[Answer, ...]]:
    """Every choice of one answer for each query of an option, one at a time: all of them may be beyond counting."""
    return product(*(found.answers[name][:_MAX_ALTERNATIVES] for name in option))


def _candidate(form: HeldForm) -> Candidate:
    credential = form.credential
    return Candidate(
        id=form.id,
        format=credential.format,
        types=credential.types,
        claims=credential.claims,
        disclosable=form.disclosable_paths(),
        is_holder_bound=credential.holder_key is not None,
    )


def _part(query_id: str, answer: Answer, badge: Badge, form: HeldForm, language: str) -> Part:
    claims = form.credential.claims
    where: dict[str, Any] = {
        "disclosable": form.disclosable_paths(),
        "opened": answer.opened,
        "labels": form.labels,
        "language": language,
    }
    return Part(
        query_id=query_id,
        form_id=form.id,
        badge=badge,
        answer=answer,
        shown=find_shown_facts(claims, **where),
        hidden=find_hidden_facts(claims, **where),
        is_whole=form.is_whole,
    )


def _merge(parts: Sequence[Part]) -> tuple[Fact, ...]:
    """All facts of several parts of one badge, each once by what it says."""
    facts: dict[tuple[str, str], Fact] = {}
    for fact in (fact for part in parts for fact in part.shown):
        facts.setdefault((fact.label, fact.value), fact)
    return tuple(facts.values())


def _choose(page: RequestPage, choices: Mapping[str, str]) -> list[Part]:
    """What the person chose: for a required question the first way unless another was named; optional ones by name."""
    if not page.is_answerable:
        raise NoMatchError
    if set(choices) - {question.id for question in page.questions}:
        raise ChoiceError("unknown question")
    chosen: dict[str, Part] = {}
    for question in page.questions:
        key = choices.get(question.id, question.alternatives[0].key if question.required else "")
        if not key and not question.required:
            continue
        found = next((way for way in question.alternatives if way.key == key), None)
        if found is None:
            raise ChoiceError("not on offer")
        for part in found.parts:
            if chosen.setdefault(part.query_id, part).form_id != part.form_id:
                raise ChoiceError("two badges for one query")
    if not chosen:
        raise ChoiceError("nothing chosen")
    return list(chosen.values())


# --- answering


async def _create_vp_token(
    wallet: Wallet, vault: Vault, request: AuthorizationRequest, parts: Sequence[Part], now: datetime
) -> dict[str, list[str]]:
    """One presentation for each query, bound to this verifier and this question (§8.1, W-48, W-49)."""
    async with wallet.database.reading() as session:
        return {part.query_id: [await _present(session, vault, request, part, now)] for part in parts}


async def _present(
    session: store.Session, vault: Vault, request: AuthorizationRequest, part: Part, now: datetime
) -> str:
    form = next(form for form in part.badge.forms if form.id == part.form_id)
    query = request.dcql_query.find(part.query_id)
    if query is not None and not query.require_cryptographic_holder_binding:
        handler = FORMATS[form.credential.format]
        return handler.present_unbound(form.credential.raw, disclose=part.answer.disclose)
    return FORMATS[form.credential.format].present(
        form.credential.raw,
        disclose=part.answer.disclose,
        holder_signer=await get_holder_signer(session, vault, part.form_id),
        audience=request.client_id,
        nonce=request.nonce,
        now=now,
    )


async def _submit_response(
    wallet: Wallet,
    vault: Vault,
    request_id: str,
    request: AuthorizationRequest,
    form: Mapping[str, str],
    record: HistoryRecord,
) -> str | None:
    """Post the answer, once, and note how it ended. No redirect is followed (W-46)."""
    try:
        response = await wallet.fetch.post_form(request.response_uri, form)
        accepted = response.status == 200
        redirect_uri = parse_response_reply(response.json()) if accepted else None
    except UndecidedError as exc:
        await _settle(wallet, vault, request_id, record, "unconfirmed")
        raise UnconfirmedError(exc.detail) from exc
    except CredentialError as exc:
        await _settle(wallet, vault, request_id, record, "refused")
        raise VerifierRefusedError(f"{exc.code}: {exc.detail}") from exc
    await _settle(wallet, vault, request_id, record, "confirmed" if accepted else "refused")
    if not accepted:
        raise VerifierRefusedError(f"status {response.status}")
    return redirect_uri


async def _settle(
    wallet: Wallet, vault: Vault, request_id: str, record: HistoryRecord, outcome: HistoryOutcome
) -> None:
    async with wallet.database.transaction() as session:
        await store.set_request_state(session, vault.account_id, request_id, "answered")
        await set_history_outcome(session, vault, record.id, outcome)


async def _submit_error(wallet: Wallet, request: AuthorizationRequest | RequestSender, error: str) -> str | None:
    """Tell the verifier no. Whether it hears it changes nothing for the person."""
    try:
        response = await wallet.fetch.post_form(request.response_uri, create_error_form(request, error))
        return parse_response_reply(response.json()) if response.status == 200 else None
    except CredentialError as exc:
        log.info("refusal not delivered", error_class=type(exc).__name__)
        return None


async def _decline_refused(
    wallet: Wallet, vault: Vault, request_id: str, content: Mapping[str, Any], now: datetime
) -> str | None:
    sender = _read_sender(content, datetime.fromisoformat(content["received_at"]))
    record = HistoryRecord(
        kind="declined",
        party_name=urlsplit(sender.response_uri).netloc,
        party_own_name=shown_name(sender.client_name or ""),
        party_id=sender.client_id,
        recognition=Outcome.NOT_LISTED.value,
        happened_at=now,
    )
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, request_id, now)
        await add_history_record(session, vault, record)
        await store.set_request_state(session, vault.account_id, request_id, "declined")
    return await _submit_error(wallet, sender, content["refusal"]["error"])


async def _refuse_unencrypted(
    wallet: Wallet, vault: Vault, page: RequestPage, request: AuthorizationRequest, error: str, now: datetime
) -> None:
    """An answer that cannot be encrypted as asked is not given: an error goes in the clear, never the data (W-51)."""
    async with wallet.database.transaction() as session:
        await store.spend_request(session, vault.account_id, page.id, now)
        await store.set_request_state(session, vault.account_id, page.id, "failed")
    await _submit_error(wallet, request, error)


def _history_of(page: RequestPage, parts: Sequence[Part], now: datetime) -> HistoryRecord:
    return HistoryRecord(
        kind="shared",
        party_name=page.verifier_name,
        party_own_name=page.verifier_own_name,
        party_id=page.client_id,
        recognition=page.recognition.outcome,
        happened_at=now,
        badges=tuple(dict.fromkeys(part.badge.view.name for part in parts)),
        claims=tuple(
            dict.fromkeys(
                ShownClaim(part.badge.view.name, fact.label, fact.value) for part in parts for fact in part.shown
            )
        ),
        purpose=page.purpose.get("nl") or next(iter(page.purpose.values()), ""),
        outcome="sending",
    )


def _declined(request: AuthorizationRequest, recognition: Mapping[str, str], now: datetime) -> HistoryRecord:
    return HistoryRecord(
        kind="declined",
        party_name=recognition["entity_name"] or _host_of(request),
        party_own_name=shown_name(request.client_metadata.client_name or ""),
        party_id=request.client_id,
        recognition=recognition["outcome"],
        happened_at=now,
    )


def _part_json(part: Part) -> dict[str, Any]:
    return {
        "query_id": part.query_id,
        "credential_id": part.badge.id,
        "name": part.badge.view.name,
        "state": part.badge.state.kind,
        "is_whole": part.is_whole,
        "shown": [asdict(fact) for fact in part.shown],
        "hidden": [asdict(fact) for fact in part.hidden],
    }
