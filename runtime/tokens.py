"""Random values that open something: made here, stored only as hashes.

    token = create_token()                    # goes to the other party, once
    row.token_hash = hash_token(token)        # goes into the database
    ... WHERE token_hash = hash_token(what_came_back)

Looking a token up by its hash needs no constant-time comparison: the index sees only a SHA-256
value, which a caller cannot steer byte by byte (A-54).
"""

import hashlib
import secrets


def create_token(nbytes: int = 32) -> str:
    """A fresh URL-safe secret of `nbytes` random bytes; never fewer than 16 (RFC 6749 §10.10).

    None begins with a hyphen: a command line would take it for an option.
    """
    if nbytes < 16:
        raise ValueError("a token needs at least 128 random bits")
    while (token := secrets.token_urlsafe(nbytes)).startswith("-"):
        pass
    return token


def hash_token(text: str) -> bytes:
    """SHA-256 of a token that is random enough to need no salt. Never for passphrases or short codes alone."""
    return hashlib.sha256(text.encode()).digest()


def create_numeric_code(length: int = 6) -> str:
    """Decimal digits for a person to type, such as a `tx_code`; leading zeros count.

    Six digits are guessed easily, so whoever checks one also counts failed tries (OpenID4VCI 1.0 §13.6.3).
    """
    return "".join(secrets.choice("0123456789") for _ in range(length))
