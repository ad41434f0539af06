"""What a superior allows below it: how deep, under which names, in which roles. OpenID Federation 1.0 §6.2."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

from kernel.errors import RejectedError
from kernel.members import as_object, as_texts, find_count

# Always allowed, and never named in a constraint. §6.2.3.
_ALWAYS_ALLOWED: Final = "federation_entity"


@dataclass(frozen=True, slots=True)
class Constraints:
    """The constraints of one Subordinate Statement. None: not constrained. Unknown ones are ignored, as §6.2 wants."""

    max_path_length: int | None = None
    permitted: tuple[str, ...] | None = None
    excluded: tuple[str, ...] = ()
    allowed_entity_types: frozenset[str] | None = None

    def verify(self, *, intermediates: int, subordinates: Collection[str]) -> None:
        """Raise RejectedError for a chain that is longer, or has other names, than is allowed below this one.

        `intermediates` stand between who constrains and the chain's subject; `subordinates` are all below it.
        """
        if self.max_path_length is not None and intermediates > self.max_path_length:
            raise RejectedError("a trust chain longer than one of its superiors allows")
        hosts = [(urlsplit(subordinate).hostname or "").lower() for subordinate in subordinates]
        if any(_is_under(host, name) for host in hosts for name in self.excluded):
            raise RejectedError("a name that a superior excludes")
        if self.permitted is not None and not all(any(_is_under(h, name) for name in self.permitted) for h in hosts):
            raise RejectedError("a name that no superior permits")

    def keep_allowed(self, metadata: Mapping[str, Mapping[str, Any]]) -> dict[str, Mapping[str, Any]]:
        """Return the metadata without the roles that are not allowed. §6.2.3."""
        allowed = self.allowed_entity_types
        return {
            name: members
            for name, members in metadata.items()
            if allowed is None or name in allowed or name == _ALWAYS_ALLOWED
        }


def parse_constraints(value: object) -> Constraints:
    """Read `constraints`, or raise MalformedError. §6.2."""
    members = as_object(value, "'constraints'")
    names = as_object(members.get("naming_constraints", {}), "'naming_constraints'")
    types = members.get("allowed_entity_types")
    return Constraints(
        max_path_length=find_count(members, "max_path_length"),
        permitted=_names(names["permitted"]) if "permitted" in names else None,
        excluded=_names(names.get("excluded", [])),
        allowed_entity_types=None if types is None else frozenset(_texts(types, "'allowed_entity_types'")),
    )


def _names(value: object) -> tuple[str, ...]:
    return tuple(name.lower() for name in _texts(value, "names of hosts"))


def _texts(value: object, what: str) -> tuple[str, ...]:
    return () if value == [] else as_texts(value, what)


def _is_under(host: str, name: str) -> bool:
    """Tell whether a host is the one that is named, or with a leading dot one below it. RFC 5280 §4.2.1.10."""
    return host.endswith(name) and host != name[1:] if name.startswith(".") else host == name
