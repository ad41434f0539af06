"""What a running service has at hand: one object, made at the start, reached by `app.state.service`."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from runtime.clock import Clock
from runtime.database import Database
from runtime.encryption import SealingKey
from runtime.fetch import Fetcher
from runtime.jitter import Jitter
from runtime.resolve import Resolver
from runtime.settings import ServiceSettings
from skills.search import SkillIndex

S = TypeVar("S", bound=ServiceSettings)


@dataclass(frozen=True, slots=True)
class Service(Generic[S]):
    """Settings and connections of one service. It holds no state of any request."""

    name: str
    settings: S
    database: Database
    fetch: Fetcher
    resolver: Resolver
    clock: Clock
    skills: SkillIndex
    sealing_key: SealingKey
    jitter: Jitter

    async def close(self) -> None:
        """Let go of connections and files."""
        await self.fetch.close()
        await self.database.close()
        self.skills.close()
