"""What the issuer must be told before it starts (`ISSUER_*`), and its policy with the reasons."""

from datetime import timedelta
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import SettingsConfigDict

from kernel import base64url
from kernel.formats import ISSUABLE
from kernel.openid4vci import PROOF_TYPES
from runtime.encryption import SealingKey
from runtime.hsm import Hsm
from runtime.mail import Mailer
from runtime.settings import CommaSeparated, ServiceSettings, is_sealing_key


class IssuerSettings(ServiceSettings):
    """The settings of the issuer service. Durations are ISO 8601 (`PT10M`)."""

    model_config = SettingsConfigDict(env_prefix="ISSUER_")

    badge_vct: str
    """The `vct` of every badge as SD-JWT VC. Verifiers ask for it by this exact text, so it never changes."""
    admin_key: SecretStr | None = None
    """An API key with every scope, put in place (as a hash) at the start: how a fresh deployment is reached. At least
    32 characters. Without it, make one with `skillswallet issuer` on the machine itself."""
    earlier_encryption_key: SecretStr | None = None
    """The `encryption_key` of before, while it is replaced: what it sealed still opens, until `skillswallet issuer
    seal-again` has sealed everything under the new one. Then take it away."""
    hsm_module: Path | None = None
    """The PKCS#11 library of a hardware security module. With it, new signing keys are made in the module and never
    leave it; older ones stay where they are until they are replaced. Needs `skillswallet[hsm]`."""
    hsm_token: str | None = None
    """The label of the token in that module."""
    hsm_pin: SecretStr | None = None
    """The PIN of that token."""
    securings: CommaSeparated = frozenset(ISSUABLE)
    """In which ways every achievement is secured: what offers name and wallets may ask for. Fewer where an ecosystem
    wants no others; copies that were issued in one that is taken away stay good."""
    proof_types: CommaSeparated = frozenset(PROOF_TYPES)
    """In which ways wallets may prove their keys (OpenID4VCI 1.0 Appendix F): `jwt`, `di_vp`, and `attestation` where
    wallet providers are trusted. Fewer where an ecosystem wants no others; the HAIP form asks for what HAIP says."""
    wallet_url: str | None = None
    """Address of a web wallet that offer pages point to as well (I-01); none: only `openid-credential-offer:`."""

    wallet_provider_certificates: Path | None = None
    """PEM file with the authorities of wallet providers: a wallet with an attestation under one of them is
    authenticated (HAIP 1.0 §4.4.1). Without it and `wallet_provider_keys` no wallet is, and none gets what needs it."""
    wallet_provider_keys: Path | None = None
    """JWK Set with keys of wallet providers that use no certificates; an attestation names one by `kid`."""
    listed_wallet_providers: bool = False
    """The wallet providers on the trust list are believed too, and those that it withdrew no longer, wherever else they
    are named. While the list cannot be had, no wallet provider is. Needs `trust_list`."""

    encryption_required: bool = False
    """Credential requests and responses must be encrypted beyond TLS (OpenID4VCI 1.0 §10). Wallets that cannot do that
    then get nothing, so the default only offers it."""
    legacy_securings: CommaSeparated = frozenset()
    """The securings for which wallets of DIIP v4 may still ask as draft 15 had it, with one `proof`."""

    offer_lifetime: timedelta = timedelta(minutes=10)
    """Of an offer without `tx_code`. The link alone then opens it, so it may lie about for ten minutes (I-07)."""
    protected_offer_lifetime: timedelta = timedelta(days=14)
    """Of an offer with `tx_code`. A student reads mail days later; a stolen link alone opens nothing, and five wrong
    codes end it, so the time that I-07 fears is bounded by tries instead. An organisation may choose otherwise."""
    longest_offer_lifetime: timedelta = timedelta(days=60)
    """No request or organisation may ask for more."""
    tx_code_tries: int = Field(default=5, ge=1, le=10)
    """Wrong tries before an offer is void (I-28): a guess of six digits then succeeds once in 200,000."""
    tx_code_tries_per_source: int = Field(default=20, ge=1)
    """Wrong tries an hour from one address, over all offers (I-28)."""
    request_uri_lifetime: timedelta = Field(default=timedelta(seconds=60), gt=timedelta(0), le=timedelta(seconds=600))
    """How long a pushed request waits for the browser that it was pushed for (I-21)."""
    authorization_lifetime: timedelta = timedelta(minutes=30)
    """How long somebody may take to sign in and to agree; mail can be slow."""
    code_lifetime: timedelta = Field(default=timedelta(seconds=60), gt=timedelta(0), le=timedelta(seconds=60))
    """Of an authorization code, which a wallet redeems at once (I-26)."""
    sign_in_link_lifetime: timedelta = timedelta(minutes=15)
    """Of a one-time link by mail, and of the code that may be typed instead."""
    sign_in_code_tries: int = Field(default=5, ge=1, le=10)
    """Wrong tries of that code before it is void: a guess of six digits then succeeds once in 200,000."""
    sign_in_code_tries_per_source: int = Field(default=100, ge=1)
    """Wrong tries of such codes an hour from one address, over all links: of a whole school behind one address half may
    mistype once, and guessing finds a code once in 10,000 hours."""
    sign_in_code_tries_per_organisation: int = Field(default=500, ge=1)
    """Wrong tries of such codes an hour at one organisation, from everywhere: guessing from many addresses then finds
    a code once in 2,000 hours, and a day on which everybody mistypes is not yet a day without sign-in."""
    sign_in_links_per_source: int = Field(default=400, ge=1)
    """One-time links an hour that one network address may ask for: pupils who fetch their badges in the same hour share
    one, some two hundred of them, each twice. What a single mailbox gets is bounded below."""
    sign_in_links_per_address_and_source: int = Field(default=5, ge=1)
    """One-time links an hour to one e-mail address that one network address may ask for: less than all of them, so that
    a stranger who asks for somebody else's leaves them some."""
    sign_in_links_per_address: int = Field(default=20, ge=1)
    """One-time links an hour to one e-mail address, from everywhere: nobody's mailbox is filled by strangers."""
    smtp_url: SecretStr | None = None
    """The server that mail leaves by: `smtps://user:password@host:465`, or `smtp://user:password@host:587`, which is
    used with STARTTLS only. None: no mail is sent, and staff hand over one-time links in the back office."""
    mail_from: str | None = None
    """The address that mail comes from; needed with `smtp_url`."""
    redirect_uris: CommaSeparated = frozenset()
    """The only addresses that browsers are sent back to, where an ecosystem knows its wallets; none: every https
    address, after the person saw its host and agreed (decision 0040)."""
    redirect_schemes: CommaSeparated = frozenset()
    """Schemes of wallet apps that browsers are sent back to, besides those with a dot, which are their maker's own
    domain reversed (RFC 8252 §7.1)."""
    access_token_lifetime: timedelta = timedelta(minutes=5)
    """Bearer tokens live at most five minutes (I-31; OpenID4VCI 1.0 §13.10)."""
    bound_token_lifetime: timedelta = Field(default=timedelta(hours=1), gt=timedelta(0))
    """The same for a token that a pre-authorized code bought and only one key can use: its wallet has no refresh token,
    and this long to go on where something broke off (I-31)."""
    waiting_token_lifetime: timedelta = Field(default=timedelta(days=30), gt=timedelta(0))
    """The same where somebody still has to approve the badge: as long as a wallet waits for it (I-31, I-63)."""
    refresh_token_lifetime: timedelta = Field(default=timedelta(days=90), gt=timedelta(0))
    """How long a wallet that is bound to a key may fetch new copies without its holder signing in again (I-32)."""
    reissues_per_day: int = Field(default=20, ge=1)
    """How often a day the holder of an award may fetch it anew, by signing in again or by a refresh token."""
    nonce_lifetime: timedelta = timedelta(minutes=5)
    """A `c_nonce` is asked for just before it is used (I-56)."""
    deferred_interval: timedelta = Field(default=timedelta(minutes=1), ge=timedelta(seconds=1))
    """How long a wallet waits before it asks again for a badge that somebody still has to approve (I-63)."""
    batch_size: int = Field(default=20, ge=2, le=100)
    """Key proofs in one request (I-60). Twenty unlinkable copies last a job seeker a while."""
    status_list_size: int = Field(default=131_072, ge=131_072, multiple_of=8)
    """Entries in a list: a crowd for each credential to hide in (K-77)."""
    status_list_ttl: timedelta = Field(default=timedelta(minutes=15), ge=timedelta(seconds=1))
    """How long a verifier may keep a list, and the step in which a changed one is signed again (K-75, I-77)."""
    status_list_lifetime: timedelta = timedelta(days=1)
    """How long a signed list holds at all: an old one cannot be replayed for longer (A-46)."""
    claims_retention: timedelta = timedelta(days=90)
    """Names and evidence are dropped this long after issuance, unless the organisation states a ground (I-80)."""

    @field_validator("badge_vct", "wallet_url")
    @classmethod
    def _is_a_web_address(cls, value: str | None) -> str | None:
        if value is not None and (urlsplit(value).scheme not in {"https", "http"} or not urlsplit(value).netloc):
            raise ValueError("is not a web address")
        return value

    @field_validator("securings")
    @classmethod
    def _are_securings(cls, value: frozenset[str]) -> frozenset[str]:
        if not value or not value <= ISSUABLE.keys():
            raise ValueError(f"names none, or others than {', '.join(ISSUABLE)}")
        return value

    @field_validator("proof_types")
    @classmethod
    def _are_proof_types(cls, value: frozenset[str]) -> frozenset[str]:
        if not value or not value <= set(PROOF_TYPES):
            raise ValueError(f"names none, or others than {', '.join(PROOF_TYPES)}")
        return value

    @field_validator("legacy_securings")
    @classmethod
    def _are_securings_too(cls, value: frozenset[str]) -> frozenset[str]:
        if not value <= ISSUABLE.keys():
            raise ValueError(f"names others than {', '.join(ISSUABLE)}")
        return value

    @field_validator("admin_key")
    @classmethod
    def _is_long(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and len(value.get_secret_value()) < 32:
            raise ValueError("has fewer than 32 characters")
        return value

    @field_validator("earlier_encryption_key")
    @classmethod
    def _is_a_key_too(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not is_sealing_key(value):
            raise ValueError("is not 32 bytes in base64url without padding")
        return value

    @field_validator("access_token_lifetime")
    @classmethod
    def _bearer_tokens_are_short(cls, value: timedelta) -> timedelta:
        if value > timedelta(minutes=5):
            raise ValueError("is more than five minutes, and access tokens are not sender-constrained")
        return value

    @model_validator(mode="after")
    def _wallet_providers_are_listed_somewhere(self) -> Self:
        if self.listed_wallet_providers and self.trust_list is None:
            raise ValueError("listed_wallet_providers needs trust_list")
        return self

    @model_validator(mode="after")
    def _a_module_can_be_opened(self) -> Self:
        given = {self.hsm_module is not None, self.hsm_token is not None, self.hsm_pin is not None}
        if len(given) > 1:
            raise ValueError("hsm_module, hsm_token and hsm_pin go together")
        if self.hsm_module is not None and find_spec("pkcs11") is None:
            raise ValueError("hsm_module needs the extra skillswallet[hsm]")
        return self

    @model_validator(mode="after")
    def _keys_can_be_proven(self) -> Self:
        if self.proof_types == {"attestation"} and not self.knows_wallet_providers:
            raise ValueError("proof_types leaves attestation alone, and nobody is trusted to attest")
        return self

    @model_validator(mode="after")
    def _mail_can_be_sent(self) -> Self:
        if (self.smtp_url is None) != (self.mail_from is None):
            raise ValueError("smtp_url and mail_from go together")
        if self.smtp_url is not None:
            self.mailer  # noqa: B018  making it is the check
        return self

    @property
    def knows_wallet_providers(self) -> bool:
        """Whether anybody may vouch for wallets and their keys here."""
        pinned = (self.wallet_provider_certificates, self.wallet_provider_keys)
        return self.listed_wallet_providers or pinned != (None, None)

    @cached_property
    def mailer(self) -> Mailer | None:
        """What sends mail, if anything does."""
        if self.smtp_url is None or self.mail_from is None:
            return None
        url = self.smtp_url.get_secret_value()
        return Mailer.of_url(url, sender=self.mail_from, allow_plain=self.allow_http_for_local_development)

    @property
    def sends_mail(self) -> bool:
        """Whether people get their one-time links by mail."""
        return self.smtp_url is not None

    def sealing_key(self) -> SealingKey:
        """The key that everything at rest is sealed under, which also opens what the earlier one sealed."""
        if self.earlier_encryption_key is None:
            return super().sealing_key()
        earlier = SealingKey(base64url.decode(self.earlier_encryption_key.get_secret_value()))
        return SealingKey(base64url.decode(self.encryption_key.get_secret_value()), earlier=earlier)

    @cached_property
    def hsm(self) -> Hsm | None:
        """The hardware security module that new signing keys are made in, if there is one."""
        if self.hsm_module is None or self.hsm_token is None or self.hsm_pin is None:
            return None
        return Hsm(self.hsm_module, token=self.hsm_token, pin=self.hsm_pin.get_secret_value())

    @cached_property
    def seal(self) -> SealingKey:
        """The key that everything at rest is sealed under."""
        return self.sealing_key()

    @cached_property
    def nonce_key(self) -> bytes:
        """The key that `c_nonce` values are authenticated with."""
        return self.seal.derive("issuer/c_nonce")

    @cached_property
    def challenge_key(self) -> bytes:
        """The key that challenges for DPoP proofs and client attestations are authenticated with."""
        return self.seal.derive("issuer/challenge")

    @cached_property
    def request_key(self) -> bytes:
        """The key under which requests to award are hashed: a list of people's names is not kept as a bare digest."""
        return self.seal.derive("issuer/request")

    @cached_property
    def source_key(self) -> bytes:
        """The key under which the addresses of wrong guessers are hashed, so that none is stored."""
        return self.seal.derive("issuer/source")

    @cached_property
    def notification_key(self) -> bytes:
        """The key under which notification ids are made, so that an answer given again names the same one."""
        return self.seal.derive("issuer/notification")

    @cached_property
    def address_key(self) -> bytes:
        """The key under which e-mail addresses are hashed, by which people find their awards."""
        return self.seal.derive("issuer/address")

    @cached_property
    def sign_in_code_key(self) -> bytes:
        """The key under which the short codes of one-time links are hashed."""
        return self.seal.derive("issuer/sign-in-code")
