"""Mail, one short text at a time.

    mailer = Mailer.of_url("smtps://user:password@mail.example:465", sender="badges@school.example")
    await mailer.send("sanne@student.example", "Inloggen", "…")          # or MailError

TLS always: from the first byte (`smtps`) or by STARTTLS before anything else is said (`smtp`); a server that cannot is
not spoken to, except in development. The standard library's client works in a thread.
"""

import asyncio
import re
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Final, Self
from urllib.parse import unquote, urlsplit

from runtime.clock import utc_now

_SECONDS: Final = 15
# What RFC 5322 §3.4.1 calls a dot-atom on both sides, and letters of any script with it (RFC 6532 §3.2).
_RECIPIENT: Final = re.compile(r"[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*@[\w-]+(\.[\w-]+)+")


class MailError(Exception):
    """The mail server could not be reached, or did not take the message. The text names no address."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """A mail server, and who mail comes from."""

    host: str
    port: int
    sender: str
    is_tls: bool
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    allow_plain: bool = False

    @classmethod
    def of_url(cls, url: str, *, sender: str, allow_plain: bool = False) -> Self:
        """The server of a `smtps:` or `smtp:` URL; ValueError says what is wrong with it, without the URL."""
        parts = urlsplit(url)
        if parts.scheme not in ("smtps", "smtp") or not parts.hostname or parts.path.strip("/") or parts.query:
            raise ValueError("is not smtps://user:password@host:port")
        if "@" not in sender or any(character.isspace() for character in sender):
            raise ValueError("the sender is not an e-mail address")
        is_tls = parts.scheme == "smtps"
        return cls(
            host=parts.hostname,
            port=parts.port or (465 if is_tls else 587),
            sender=sender,
            is_tls=is_tls,
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
            allow_plain=allow_plain,
        )

    async def send(self, recipient: str, subject: str, text: str) -> None:
        """Hand one message to the server for one recipient, or raise MailError.

        What a mail program could read as several addresses, as a group or as an encoded word is sent to nobody.
        """
        if not _RECIPIENT.fullmatch(recipient) or "=?" in recipient:
            raise MailError("the recipient is not one address")
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self.sender, recipient, subject
        message["Date"], message["Message-ID"] = format_datetime(utc_now()), make_msgid(domain=self._domain)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            await asyncio.to_thread(self._send, message)
        except (OSError, smtplib.SMTPException) as exc:
            raise MailError(type(exc).__name__) from exc

    @property
    def _domain(self) -> str:
        return self.sender.rpartition("@")[2]

    def _send(self, message: EmailMessage) -> None:
        context = ssl.create_default_context()
        if self.is_tls:
            with smtplib.SMTP_SSL(self.host, self.port, timeout=_SECONDS, context=context) as server:
                self._hand_over(server, message)
            return
        with smtplib.SMTP(self.host, self.port, timeout=_SECONDS) as server:
            server.ehlo()
            if not self.allow_plain or server.has_extn("starttls"):
                server.starttls(context=context)
            self._hand_over(server, message)

    def _hand_over(self, server: smtplib.SMTP, message: EmailMessage) -> None:
        if self.user is not None and self.password is not None:
            server.login(self.user, self.password)
        server.send_message(message)
