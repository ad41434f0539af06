"""What the formats have in common whose credential is a compact JWS and whose presentation is another one."""

from abc import abstractmethod
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Final

from kernel.errors import AudienceError, MalformedError, NonceError
from kernel.formats.credential import JWT_VC_JSON, VC_JWT, UnverifiedCredential, read_key_reference
from kernel.formats.holder import get_presenter, require_same_holder
from kernel.formats.presented_format import PresentedFormat, require_no_transaction_data
from kernel.jwt import UnverifiedJwt, parse_jwt, sign_jwt, verify_jwt, verify_times
from kernel.keys import PublicKey, Signer
from kernel.members import as_array, find_text, is_same_text
from kernel.sd_jwt import DEFAULT_HASH, ClaimsPath

JWT: Final = "JWT"


class JwtFormat(PresentedFormat):
    """The verbs of a format whose credential and presentation are JWTs."""

    presentation_header: ClassVar[Mapping[str, str]]

    def parse(self, raw: str) -> UnverifiedCredential:
        """Read a credential, or a presentation of exactly one, whose content is of this format."""
        jwt = parse_jwt(raw)
        if get_jwt_content_format(jwt.payload) != self.format_id:
            raise MalformedError(f"the content is not that of {self.format_id}")
        return self.read(jwt)

    def read(self, jwt: UnverifiedJwt) -> UnverifiedCredential:
        """Say who a credential, or the one in a presentation, claims to come from, and how its key would be found."""
        enclosed = self._find_enclosed(jwt.payload)
        if enclosed is None:
            return self._describe(jwt, jwt.raw, None)
        credential = parse_jwt(enclosed)
        if get_jwt_content_format(credential.payload) != self.format_id or self._find_enclosed(credential.payload):
            raise MalformedError("a presentation of something else than a credential of its own kind")
        return self._describe(credential, jwt.raw, jwt)

    def present(
        self,
        raw: str,
        *,
        disclose: Collection[ClaimsPath],
        holder_signer: Signer,
        audience: str,
        nonce: str,
        now: datetime,
        transaction_data_hashes: Sequence[str] = (),
        transaction_data_hashes_alg: str = DEFAULT_HASH,
    ) -> str:
        """Show a credential, whole whatever is to be disclosed, bound to one verifier and transaction. W-50"""
        require_no_transaction_data(transaction_data_hashes)
        jwt = parse_jwt(raw)
        holder = get_presenter(self._decode(jwt.payload), holder_signer.public_key)
        payload = {
            **self._enclose(raw, holder.id),
            "iat": int(now.timestamp()),
            "aud": audience,
            "nonce": nonce,
        }
        header = {**self.presentation_header, "kid": holder.key_id}
        return sign_jwt(payload, signer=holder_signer, typ=header.pop("typ"), header=header)

    def present_unbound(self, raw: str, *, disclose: Collection[ClaimsPath]) -> str:
        """Return the credential as it is, to whoever asks for no holder binding. OpenID4VP 1.0 §5.3."""
        return raw

    def disclosable_paths(self, raw: str) -> dict[ClaimsPath, Any]:
        """Return nothing: a JWT is shown as a whole."""
        return {}

    def _describe(self, jwt: UnverifiedJwt, raw: str, presentation: UnverifiedJwt | None) -> UnverifiedCredential:
        key_id, x5c = read_key_reference(jwt.header)
        return UnverifiedCredential(
            format=self.format_id,
            raw=raw,
            header=jwt.header,
            payload=jwt.payload,
            unverified_issuer=self._read_issuer(jwt.payload),
            key_id=key_id,
            x5c=x5c,
            is_legacy=False,
            secured=jwt,
            presentation=presentation,
        )

    def _verify_presenter(
        self,
        presented: UnverifiedCredential,
        holder_key: PublicKey,
        *,
        algorithms: frozenset[str],
        audience: str,
        nonce: str,
        now: datetime,
    ) -> None:
        jwt = _as_jwt(presented.presentation)
        # (1) Signed by the holder of the credential, who is not said to be somebody else.
        typ = self.presentation_header["typ"]
        verify_jwt(with_default_typ(jwt), key=holder_key, typ=typ, algorithms=algorithms)
        for identifier in self._find_presenters(jwt):
            require_same_holder(identifier, holder_key)
        # (2) Made for this request and this verifier, and not out of its time.
        if not is_same_text(find_text(jwt.payload, "nonce"), nonce):
            raise NonceError("a presentation made for another nonce")
        # RFC 7519 §4.1.3 has it as an array or as a string; what is for others too was not made for this verifier.
        if jwt.payload.get("aud") not in (audience, [audience]):
            raise AudienceError("a presentation made for another audience")
        verify_times(jwt.payload, now=now)

    def _find_presenters(self, jwt: UnverifiedJwt) -> list[Any]:
        """Return everybody whom a presentation says it comes from."""
        presentation, (key_id, _) = self._get_presentation(jwt.payload), read_key_reference(jwt.header)
        named = [jwt.payload["iss"]] if "iss" in jwt.payload else []
        if "holder" in presentation:
            holder = presentation["holder"]
            named.append(holder.get("id") if isinstance(holder, dict) else holder)
        return [*named, *([] if key_id is None else [key_id.partition("#")[0]])]

    @abstractmethod
    def _find_enclosed(self, payload: Mapping[str, Any]) -> str | None:
        """Return the one credential of a presentation, None when this is no presentation."""

    @abstractmethod
    def _get_presentation(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the presentation that a payload is or contains."""

    @abstractmethod
    def _enclose(self, raw: str, holder: str) -> dict[str, Any]:
        """Return the claims of a presentation that tell what is shown by whom."""

    @abstractmethod
    def _read_issuer(self, payload: Mapping[str, Any]) -> str:
        """Return the issuer that the payload names, unverified."""

    @abstractmethod
    def _decode(self, payload: Mapping[str, Any]) -> dict[str, Any]:
        """Return the credential that a payload is or contains."""


def get_jwt_content_format(payload: Mapping[str, Any]) -> str:
    """Tell the format of a JWT from what is in it and never from a label. K-68, A-49."""
    is_wrapped, is_vcdm = "vc" in payload or "vp" in payload, "@context" in payload and "type" in payload
    if is_wrapped is is_vcdm or "vct" in payload:
        raise MalformedError("a JWT that is no credential, or wants to be two kinds at once")
    return JWT_VC_JSON if is_wrapped else VC_JWT


def with_default_typ(jwt: UnverifiedJwt) -> UnverifiedJwt:
    """Return a token under the type that it has without `typ`: JWT. VCDM 1.1 §6.3.1, Open Badges 3.0 §8.2.1"""
    return jwt if "typ" in jwt.header else jwt._replace(header={**jwt.header, "typ": JWT})


def get_only_element(value: Any) -> Any:
    """Return the one credential of a presentation: with several it would be open which of them was asked for."""
    (element,) = as_array(value if isinstance(value, list) else [value], "`verifiableCredential`", limit=1)
    return element


def as_secured_jwt(credential: UnverifiedCredential) -> UnverifiedJwt:
    """Return the JWT that a credential of these formats is."""
    return _as_jwt(credential.secured)


def _as_jwt(value: object) -> UnverifiedJwt:
    if not isinstance(value, UnverifiedJwt):
        raise TypeError("a credential of another format")
    return value
