"""What people say of themselves that they can do, and nobody checked. S-08; decision 0084.

Theirs alone: sealed in the vault, in the export, gone with the account. Nothing that receives, shows or sends imports
this module, which import-linter keeps: a claim is in no credential and in no presentation, and answers no question.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, ClassVar, Final
from unicodedata import category, normalize

from runtime.tokens import create_token
from skills.skill import Skill
from wallet import store
from wallet.errors import LearnedError, SkillWordsError, UnknownSkillError
from wallet.models import SkillClaim
from wallet.settings import Wallet
from wallet.skills_profile import SkillKind
from wallet.vault import Vault

MAX_CLAIMS: Final = 200
MAX_WORDS: Final = 120
MAX_LEARNED: Final = 500

# They make a text read otherwise than it is written. Unicode Standard Annex #9, §2.1 to §2.5.
_DIRECTIONS: Final = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_SEALED_AS: Final = "skill_claim"


@dataclass(frozen=True, slots=True)
class ClaimedSkill:
    """One skill in a person's own list: out of the index, with its names by language, or in `words` of their own."""

    kind: ClassVar[SkillKind] = "claimed"
    id: str
    uri: str | None
    names: Mapping[str, str]
    words: str
    learned: str
    """Where they learned it, in a sentence; may be empty."""
    claimed_at: datetime

    def name(self, language: str) -> str:
        return self.words if self.uri is None else Skill(self.uri, self.names).label(language)

    def name_language(self, language: str) -> str:
        """The language that `name(language)` is in; "" for a person's own words, which nobody asked that of."""
        return "" if self.uri is None else Skill(self.uri, self.names).label_language(language)


async def claim_skill(
    wallet: Wallet, vault: Vault, now: datetime, *, uri: str | None = None, words: str = "", learned: str = ""
) -> ClaimedSkill:
    """Keep that the person can do this: a skill of the index by its address, or else what the words say.

    UnknownSkillError, SkillWordsError, LearnedError: it cannot be kept so. SkillClaimedError: it stands there already.
    """
    skill = None if uri is None else wallet.skills.get(uri)
    if uri is not None and skill is None:
        raise UnknownSkillError
    claim = ClaimedSkill(
        id=create_token(16),
        uri=uri,
        names={} if skill is None else dict(skill.labels),
        words=_require_words(words) if skill is None else "",
        learned=_require_learned(learned),
        claimed_at=now,
    )
    row = SkillClaim(
        id=claim.id,
        account_id=vault.account_id,
        skill_digest=_digest(vault, claim),
        sealed=_seal(vault, claim),
        claimed_at=now,
    )
    async with wallet.database.transaction() as session:
        await store.add_skill_claim(session, row, at_most=MAX_CLAIMS)
    return claim


async def find_claimed_skills(wallet: Wallet, vault: Vault) -> list[ClaimedSkill]:
    """All of them, in the order in which they were said."""
    async with wallet.database.reading() as session:
        rows = await store.find_skill_claims(session, vault.account_id)
    return [_open(vault, row) for row in rows]


async def get_claimed_skill(wallet: Wallet, vault: Vault, claim_id: str) -> ClaimedSkill:
    async with wallet.database.reading() as session:
        row = await store.get_skill_claim(session, vault.account_id, claim_id)
    return _open(vault, row)


async def change_claimed_skill(wallet: Wallet, vault: Vault, claim_id: str, *, learned: str) -> ClaimedSkill:
    """Say otherwise where it was learned, or not at all."""
    async with wallet.database.transaction() as session:
        row = await store.get_skill_claim(session, vault.account_id, claim_id)
        claim = replace(_open(vault, row), learned=_require_learned(learned))
        await store.set_skill_claim(session, vault.account_id, claim_id, _seal(vault, claim))
    return claim


async def remove_claimed_skill(wallet: Wallet, vault: Vault, claim_id: str) -> None:
    """Take it away for good."""
    async with wallet.database.transaction() as session:
        await store.remove_skill_claim(session, vault.account_id, claim_id)
    await wallet.database.forget_erased()


def claimed_json(claim: ClaimedSkill) -> dict[str, Any]:
    """For the export: everything that was kept."""
    return {"kind": claim.kind, **asdict(claim), "claimed_at": claim.claimed_at.isoformat()}


def _digest(vault: Vault, claim: ClaimedSkill) -> bytes:
    """The same for what is said twice: the same skill, or the same words, however they are written."""
    if claim.uri is not None:
        return vault.digest(f"{_SEALED_AS}/uri", claim.uri)
    return vault.digest(f"{_SEALED_AS}/words", claim.words.casefold())


def _require_words(text: str) -> str:
    words = _one_line(text)
    if not 2 <= len(words) <= MAX_WORDS or not any(letter.isalnum() for letter in words):
        raise SkillWordsError
    return words


def _require_learned(text: str) -> str:
    learned = _one_line(text)
    if len(learned) > MAX_LEARNED:
        raise LearnedError
    return learned


def _one_line(text: str) -> str:
    """What was typed or pasted, in one line, without what nobody can see and what turns other text around."""
    kept = "".join(" " if category(letter) in ("Cc", "Cs") or letter in _DIRECTIONS else letter for letter in text)
    return " ".join(normalize("NFC", kept).split())


def _seal(vault: Vault, claim: ClaimedSkill) -> bytes:
    content = {"uri": claim.uri, "names": dict(claim.names), "words": claim.words, "learned": claim.learned}
    return vault.seal(_SEALED_AS, claim.id, content)


def _open(vault: Vault, row: SkillClaim) -> ClaimedSkill:
    return ClaimedSkill(id=row.id, claimed_at=row.claimed_at, **vault.open(_SEALED_AS, row.id, row.sealed))
