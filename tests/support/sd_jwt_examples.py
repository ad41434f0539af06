"""The examples of RFC 9901 as their authors describe them: claims with `!sd` marks, and what a holder shows of them."""

from collections.abc import Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from kernel.sd_jwt import ClaimsPath

SHARED = Path(__file__).parents[3] / "shared"
VECTORS = SHARED / "vectors"
FOLDER = VECTORS / "sd-jwt" / "examples"

needs_vectors = pytest.mark.skipif(not FOLDER.is_dir(), reason="../shared/vectors is not there")


@dataclass(frozen=True)
class Hidden:
    """A member name or an array element that the example marks as selectively disclosable."""

    value: Any

    def __hash__(self) -> int:
        return hash(self.value) if isinstance(self.value, Hashable) else id(self)


@dataclass(frozen=True)
class Example:
    """One specification: the claims in full, the paths that are hidden, the paths that are shown."""

    name: str
    claims: dict[str, Any]
    marked: Any
    hidden: frozenset[ClaimsPath]
    choice: dict[str, Any]
    add_decoys: bool

    @property
    def shown(self) -> list[ClaimsPath]:
        """The paths that the holder chose; one example chooses a claim that it does not have."""
        return [path for path in _chosen_paths(self.choice, ()) if path in _every_path(self.claims, ())]

    @property
    def result(self) -> Any:
        """What a verifier must see: everything that is not hidden, and what the holder chose."""
        chosen = {path[:length] for path in self.shown for length in range(1, len(path) + 1)}
        return _keep(self.claims, self.hidden - chosen, ())


class _Loader(yaml.SafeLoader):
    """Reads `!sd`, also on the names of members."""


def _construct_hidden(loader: yaml.SafeLoader, node: yaml.Node) -> Hidden:
    if isinstance(node, yaml.ScalarNode):
        tag = "tag:yaml.org,2002:str" if node.style else loader.resolve(yaml.ScalarNode, node.value, (True, False))
        return Hidden(loader.construct_object(yaml.ScalarNode(tag, node.value)))
    if isinstance(node, yaml.MappingNode):
        return Hidden(loader.construct_mapping(node, deep=True))
    return Hidden(loader.construct_sequence(node, deep=True))


_Loader.add_constructor("!sd", _construct_hidden)


def load_examples() -> list[Example]:
    """Return every example of the folder, none where it is absent."""
    return [_load_example(path) for path in sorted(FOLDER.glob("*/specification.yml"))]


def _load_example(path: Path) -> Example:
    specification = yaml.load(path.read_text("utf-8"), _Loader)
    hidden: set[ClaimsPath] = set()
    claims = _unmark(specification["user_claims"], (), hidden)
    return Example(
        path.parent.name,
        claims,
        specification["user_claims"],
        frozenset(hidden),
        specification["holder_disclosed_claims"],
        specification.get("add_decoy_claims", False),
    )


def _unmark(value: Any, path: ClaimsPath, hidden: set[ClaimsPath]) -> Any:
    if isinstance(value, dict):
        result = {}
        for key, member in value.items():
            name = key.value if isinstance(key, Hidden) else key
            if isinstance(key, Hidden):
                hidden.add((*path, name))
            result[name] = _unmark(member, (*path, name), hidden)
        return result
    if isinstance(value, list):
        elements = []
        for index, element in enumerate(value):
            if isinstance(element, Hidden):
                hidden.add((*path, index))
            plain = element.value if isinstance(element, Hidden) else element
            elements.append(_unmark(plain, (*path, index), hidden))
        return elements
    return value


def _chosen_paths(choice: Any, path: ClaimsPath) -> list[ClaimsPath]:
    entries = choice.items() if isinstance(choice, dict) else enumerate(choice) if isinstance(choice, list) else ()
    below = [found for step, chosen in entries if chosen for found in _chosen_paths(chosen, (*path, step))]
    return [path, *below] if path else below


def _every_path(value: Any, path: ClaimsPath) -> set[ClaimsPath]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return {path}.union(*(_every_path(member, (*path, step)) for step, member in entries))


def _keep(value: Any, removed: frozenset[ClaimsPath], path: ClaimsPath) -> Any:
    if isinstance(value, dict):
        return {n: _keep(m, removed, (*path, n)) for n, m in value.items() if (*path, n) not in removed}
    if isinstance(value, list):
        return [_keep(m, removed, (*path, i)) for i, m in enumerate(value) if (*path, i) not in removed]
    return value
