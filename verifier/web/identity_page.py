"""The page where a relying party sees and sets by what wallets know it: certificate, attestation, federation (V-04)."""

import json
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse
from starlette.responses import Response

from runtime.dependencies import NowDep, SessionDep
from runtime.web.forms import FormDep
from runtime.web.language import translator
from runtime.web.pages import Pages
from runtime.web.routes import PageRoute
from verifier import client_identifiers, federation, store
from verifier.client_identifiers import MAX_PEM
from verifier.errors import InputError, NoMemberError
from verifier.models import RelyingParty
from verifier.operators import SignedIn
from verifier.relying_parties import relying_party_did
from verifier.settings import VerifierSettings
from verifier.web.pages import ServiceDep, SignedInDep, form_text

_MOST_SUPERIORS = 32


def create_identity_router(pages: Pages) -> APIRouter:
    """The page and its forms."""
    router = APIRouter(include_in_schema=False, route_class=PageRoute)

    @router.get("/back-office/{slug}/identity", name="identity_page")
    async def identity_page(
        request: Request, slug: str, signed_in: SignedInDep, session: SessionDep, service: ServiceDep, now: NowDep
    ) -> Response:
        return await _render(pages, request, signed_in, session, service, now)

    @router.post("/back-office/{slug}/identity/certificate", name="keep_certificate_page")
    async def keep_certificate(
        request: Request,
        slug: str,
        signed_in: SignedInDep,
        form: FormDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        chain = form_text(form, "chain")[:MAX_PEM]
        try:
            await client_identifiers.keep_certificate(
                session,
                service.settings,
                signed_in.relying_party,
                chain_pem=chain,
                key_pem=form_text(form, "key")[:MAX_PEM],
                now=now,
            )
        except InputError as exc:
            errors = _words(request, exc)
            return await _render(pages, request, signed_in, session, service, now, errors=errors, chain=chain)
        return RedirectResponse(f"/back-office/{slug}/identity", status_code=303)

    @router.post("/back-office/{slug}/identity/certificate/delete", name="delete_certificate_page")
    async def delete_certificate(slug: str, signed_in: SignedInDep, form: FormDep, session: SessionDep) -> Response:
        await store.delete_certificate(session, signed_in.relying_party.id)
        return RedirectResponse(f"/back-office/{slug}/identity", status_code=303)

    @router.post("/back-office/{slug}/identity/attestation", name="keep_attestation_page")
    async def keep_attestation(
        request: Request,
        slug: str,
        signed_in: SignedInDep,
        form: FormDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        relying_party = await store.get_relying_party(session, signed_in.relying_party.id)
        try:
            raw = form_text(form, "attestation")[:MAX_PEM]
            client_identifiers.keep_attestation(relying_party, raw, now=now)
        except InputError as exc:
            return await _render(pages, request, signed_in, session, service, now, errors=_words(request, exc))
        return RedirectResponse(f"/back-office/{slug}/identity", status_code=303)

    @router.post("/back-office/{slug}/identity/federation", name="join_federation_page")
    async def join_federation(
        request: Request,
        slug: str,
        signed_in: SignedInDep,
        form: FormDep,
        session: SessionDep,
        service: ServiceDep,
        now: NowDep,
    ) -> Response:
        typed = form_text(form, "authority_hints")[:MAX_PEM]
        try:
            await federation.join_federation(
                session, service.settings, signed_in.relying_party, typed.split()[:_MOST_SUPERIORS], now=now
            )
        except InputError as exc:
            errors = _words(request, exc)
            return await _render(pages, request, signed_in, session, service, now, errors=errors, hints=typed)
        return RedirectResponse(f"/back-office/{slug}/identity", status_code=303)

    @router.post("/back-office/{slug}/identity/federation/delete", name="leave_federation_page")
    async def leave_federation(slug: str, signed_in: SignedInDep, form: FormDep, session: SessionDep) -> Response:
        with suppress(NoMemberError):
            await federation.leave_federation(session, signed_in.relying_party)
        return RedirectResponse(f"/back-office/{slug}/identity", status_code=303)

    return router


async def _render(
    pages: Pages,
    request: Request,
    signed_in: SignedIn,
    session: Any,
    service: Any,
    now: Any,
    *,
    errors: dict[str, str] | None = None,
    chain: str = "",
    hints: str | None = None,
) -> Response:
    relying_party = await store.get_relying_party(session, signed_in.relying_party.id)
    row = await store.find_certificate(session, relying_party.id)
    described = client_identifiers.describe_certificate(service.settings, row)
    certificate = None
    if row is not None and described is not None:
        certificate = {**described, "expires_at": row.expires_at, "is_over": row.expires_at <= now}
    membership = await _find_membership(session, service.settings, relying_party)
    return pages.render(
        request,
        "identity.html",
        status=400 if errors else 200,
        signed_in=signed_in,
        did=relying_party_did(service.settings, relying_party.slug),
        certificate=certificate,
        attestation=client_identifiers.find_attestation(relying_party),
        errors=errors or {},
        chain=chain,
        membership=membership,
        membership_key=None if membership is None else json.dumps(membership.public_jwk, indent=1),
        hints="\n".join(membership.authority_hints) if hints is None and membership is not None else hints or "",
    )


async def _find_membership(
    session: Any, settings: VerifierSettings, relying_party: RelyingParty
) -> federation.Membership | None:
    try:
        return await federation.get_membership(session, settings, relying_party)
    except NoMemberError:
        return None


def _words(request: Request, error: InputError) -> dict[str, str]:
    """What is wrong with what was handed in, and what to do now."""
    _ = translator(request)
    words = {
        ("chain", "malformed"): _("Dit is geen certificaat. Plak de hele tekst, met de regels BEGIN en END."),
        ("chain", "self_signed"): _("Hier staat een certificaat bij dat zichzelf ondertekent. Haal dat weg."),
        ("chain", "expired"): _("Een van deze certificaten is nu niet geldig. Vraag een nieuw aan."),
        ("chain", "order"): _("De volgorde klopt niet. Zet uw eigen certificaat eerst, daaronder dat van de uitgever."),
        ("chain", "other_host"): _("Dit certificaat is voor een ander webadres. Vraag er een aan voor het adres hier."),
        ("key", "malformed"): _("Dit is geen sleutel, of hij heeft een wachtwoord. Plak hem zonder wachtwoord."),
        ("key", "not_p256"): _("Deze sleutel is van een andere soort. Nodig is een sleutel van de soort P-256."),
        ("key", "other_key"): _("Deze sleutel hoort niet bij het certificaat. Neem de sleutel waarmee u het aanvroeg."),
        ("authority_hints", "not_https"): _(
            "Vul een webadres in dat met https:// begint. Bij meer dan één: elk op een eigen regel."
        ),
        ("authority_hints", "itself"): _("Dit is uw eigen adres. Vul het adres in van wie voor u instaat."),
        ("attestation", "malformed"): _("Dit is geen verklaring over wie er vraagt. Plak haar zoals u haar kreeg."),
        ("attestation", "other_key"): _("Deze verklaring gaat over een andere sleutel. Vraag er een aan voor de uwe."),
        ("attestation", "expired"): _("Deze verklaring is verlopen. Vraag een nieuwe aan."),
    }
    return {field: words[field, reason] for field, reason in error.fields.items()}
