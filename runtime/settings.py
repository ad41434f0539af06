"""What a service must be told before it starts.

    class IssuerSettings(ServiceSettings):
        model_config = SettingsConfigDict(env_prefix="ISSUER_")
        badge_vct: str                          # required: no default
        offer_lifetime: timedelta = timedelta(days=14)   # policy, with its reason

    settings = IssuerSettings.from_environment()          # reads ISSUER_*, or raises SettingsError listing all problems
    settings = IssuerSettings(public_url=…, …)            # tests: only what is given here; the environment is not read

Durations are written in ISO 8601 (`P14D`, `PT10M`), lists with commas, JWKs as JSON.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BeforeValidator,
    Field,
    PlainSerializer,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from kernel import base64url
from kernel.errors import CredentialError, MalformedError
from kernel.federation import entity_identifier
from kernel.jwt_vc_issuer import JwkSet, read_jwk_set
from kernel.strict_json import parse_json_object
from runtime.encryption import SealingKey


class SettingsError(Exception):
    """The service cannot start; the message lists every problem, without any value."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(["The settings are not complete:", *(f"  {problem}" for problem in problems)]))
        self.problems = problems


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


CommaSeparated = Annotated[
    frozenset[str],
    NoDecode,
    BeforeValidator(_split),
    PlainSerializer(lambda values: ",".join(sorted(values)), return_type=str),
]
"""A set of texts, written with commas between them in the environment."""


class ServiceSettings(BaseSettings):
    """The settings that all three services have; each service adds its own and sets `env_prefix`."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", validate_default=True, use_attribute_docstrings=True)

    public_url: str
    """Where the others reach this service: scheme and host, without a path or a final slash."""
    database_url: SecretStr
    """`sqlite:////path/to/file` or `postgresql://…`; this service's own database."""
    encryption_key: SecretStr
    """32 random bytes in base64url, under which keys and credentials lie encrypted."""
    allow_http_for_local_development: bool = False
    """Lets `public_url` be http on this machine, and `local_hosts` be reached over http. Never in production."""
    local_hosts: CommaSeparated = frozenset()
    """`host:port` of the services that may be reached over http while developing (K-84)."""
    trust_list: str | None = None
    """URL or file of the ecosystem's signed list of recognised parties (T-02); none: nobody is recognised."""
    trust_list_signer: str | None = None
    """Public JWK, as JSON, of whoever signs that list: pinned here, never taken from the list (T-03)."""
    federation_anchors: str | None = None
    """Trust Anchors of OpenID Federations, as JSON: each Entity Identifier with its JWK Set, pinned here (T-07)."""
    skills_index: Path | None = None
    """The index file made by `skillswallet skills build`; none: skill search finds nothing."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """How much is logged; never personal data or secrets, on any level."""
    requests_per_minute: int = Field(default=6000, ge=0)
    """Coarse limit for one client address and process; 0 is none. Limits that guard secrets are not this one."""

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read every setting from `environ` (the process environment by default), or raise `SettingsError`.

        A name with this service's prefix that is no setting is a problem too: it is a misspelling. An empty value is
        as good as none. A secret may stand in a file, as container platforms have it: its name with `_FILE` behind it
        says which.
        """
        prefix = cls.environment_prefix()
        environ = os.environ if environ is None else environ
        given = {name: value for name, value in environ.items() if name.startswith(prefix)}
        names = cls.environment_names()
        given, problems = _read_secret_files(given, cls._secret_names())
        problems += [f"{name} is not a setting of this service" for name in sorted(given.keys() - names.keys())]
        values: dict[str, Any] = {names[name]: value for name, value in given.items() if value and name in names}
        try:
            settings = cls(**values)
        except ValidationError as exc:
            raise SettingsError(problems + _problems(exc, prefix)) from None
        if problems:
            raise SettingsError(problems)
        return settings

    @classmethod
    def environment_prefix(cls) -> str:
        """`ISSUER_` and the like."""
        return cls.model_config["env_prefix"]

    @classmethod
    def environment_names(cls) -> dict[str, str]:
        """The name of each setting in the environment, and its field: for `.env.example` and its test."""
        return {f"{cls.environment_prefix()}{field.upper()}": field for field in cls.model_fields}

    @classmethod
    def _secret_names(cls) -> frozenset[str]:
        secrets = {field for field, info in cls.model_fields.items() if "SecretStr" in str(info.annotation)}
        return frozenset(name for name, field in cls.environment_names().items() if field in secrets)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Constructing takes only what is handed over; `from_environment` says when the environment is read."""
        return (init_settings,)

    @property
    def is_https(self) -> bool:
        """Whether people reach this service over https, so that cookies may be `Secure` and `__Host-`."""
        return self.public_url.startswith("https://")

    def sealing_key(self) -> SealingKey:
        """The key that everything at rest is sealed under."""
        return SealingKey(base64url.decode(self.encryption_key.get_secret_value()))

    def visitor_key(self) -> bytes:
        """The key under which those who try to sign in are counted and known again."""
        return self.sealing_key().derive("visitors")

    def trust_list_signer_jwk(self) -> dict[str, Any] | None:
        """The pinned signer of the trust list, as a JWK."""
        return None if self.trust_list_signer is None else dict(json.loads(self.trust_list_signer))

    def federation_anchor_keys(self) -> dict[str, JwkSet]:
        """The pinned keys of each Trust Anchor, by its Entity Identifier."""
        return read_key_sets(self.federation_anchors)

    @field_validator("public_url")
    @classmethod
    def _is_an_origin(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"https", "http"} or not parts.hostname or parts.username or parts.password:
            raise ValueError("is not an https URL with a host")
        if parts.path or parts.query or parts.fragment:
            raise ValueError("has scheme and host only, without a path or a final slash")
        return value

    @field_validator("encryption_key")
    @classmethod
    def _is_a_key(cls, value: SecretStr) -> SecretStr:
        if not is_sealing_key(value):
            raise ValueError("is not 32 bytes in base64url without padding")
        return value

    @field_validator("trust_list_signer")
    @classmethod
    def _is_a_public_jwk(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            jwk = json.loads(value)
        except ValueError:
            raise ValueError("is not JSON") from None
        if not isinstance(jwk, dict) or "kty" not in jwk or "d" in jwk:
            raise ValueError("is not a public JWK")
        return value

    @model_validator(mode="after")
    def _insecure_choices_are_named(self) -> Self:
        if self.allow_http_for_local_development:
            return self
        if not self.is_https:
            raise ValueError("public_url is not https, and allow_http_for_local_development is off")
        if self.local_hosts:
            raise ValueError("local_hosts is set, and allow_http_for_local_development is off")
        return self

    @field_validator("federation_anchors")
    @classmethod
    def _are_anchors(cls, value: str | None) -> str | None:
        try:
            for entity in read_key_sets(value):
                entity_identifier(entity)
        except CredentialError as exc:
            raise ValueError("is not a JSON object of entity identifiers, each with a JWK Set") from exc
        return value

    @model_validator(mode="after")
    def _a_trust_list_has_a_signer(self) -> Self:
        if (self.trust_list is None) != (self.trust_list_signer is None):
            raise ValueError("trust_list and trust_list_signer go together")
        return self


def read_key_sets(text: str | None) -> dict[str, JwkSet]:
    """The JWK Set of each name in a setting that is a JSON object of them; none where it is not set."""
    return {name: read_jwk_set(keys) for name, keys in parse_json_object(text or "{}").items()}


def _read_secret_files(given: dict[str, str], secrets: frozenset[str]) -> tuple[dict[str, str], list[str]]:
    """Put what stands in files in the place of their names; a last line break is the editor's and not the secret's."""
    values, problems = dict(given), []
    for name in sorted(f"{secret}_FILE" for secret in secrets):
        path = values.pop(name, "")
        if path and values.get(name.removesuffix("_FILE")):
            problems.append(f"{name} and {name.removesuffix('_FILE')} are both given")
        elif path:
            try:
                values[name.removesuffix("_FILE")] = Path(path).read_text("utf-8").rstrip("\r\n")
            except (OSError, UnicodeDecodeError):
                problems.append(f"{name} names a file that cannot be read")
    return values, problems


def is_sealing_key(value: SecretStr) -> bool:
    """Whether this is 32 bytes in base64url without padding."""
    try:
        return len(base64url.decode(value.get_secret_value())) == 32
    except MalformedError:
        return False


def _problems(error: ValidationError, prefix: str) -> list[str]:
    """One line a problem, with the setting's name and without what was given: it may be a secret."""
    lines = []
    for problem in error.errors(include_input=False, include_url=False, include_context=False):
        name = f"{prefix}{str(problem['loc'][0]).upper()}" if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")
        lines.append(f"{name} is missing" if problem["type"] == "missing" else f"{name} {message}".strip())
    return lines
