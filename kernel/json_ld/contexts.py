"""JSON-LD contexts, from a pinned store only: what each name in a document means. JSON-LD 1.1 API §4 and §5.2.

An active context never changes once it is made, so threads share it. What a context leads to is worked out once
and kept, within bounds. Features that credentials do not use are read over; using such a term is refused by name.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from kernel.json_ld.errors import JsonLdError, Reason

KEYWORDS: Final = frozenset(
    {"@base", "@container", "@context", "@default", "@direction", "@graph", "@id", "@import", "@included", "@index"}
    | {"@json", "@language", "@list", "@nest", "@none", "@prefix", "@propagate", "@protected", "@reverse", "@set"}
    | {"@type", "@value", "@version", "@vocab"}
)
LANGUAGE_TAG: Final = re.compile(r"[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*")

_KEYWORD_LIKE: Final = re.compile(r"@[A-Za-z]+")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
# RFC 3987 §2.2, with every percent sign followed by two digits.
_IRI_CHARACTERS: Final = (
    r"[A-Za-z0-9\-._~:/?#@!$&'()*+,;=\[\]\u00a0-\ud7ff\ue000-\ufdcf\ufdf0-\uffef\U00010000-\U000efffd]"
)
_IRI: Final = re.compile(rf"[A-Za-z][A-Za-z0-9+.-]*:{_IRI_CHARACTERS}*+(?:%[0-9A-Fa-f]{{2}}{_IRI_CHARACTERS}*+)*+")
_GEN_DELIMS: Final = tuple(":/?#[]@")
_DEFINITION_MEMBERS: Final = frozenset(
    {"@id", "@reverse", "@container", "@context", "@direction", "@index", "@language", "@nest", "@prefix"}
    | {"@protected", "@type"}
)
_CONTAINERS: Final = frozenset({"@graph", "@id", "@index", "@language", "@list", "@set", "@type"})
_MAPS: Final = frozenset({"@id", "@index", "@type"})
_NOTHING: Final = object()
_MAX_DERIVED: Final = 4096
_MAX_CONTEXT_DEPTH: Final = 16


def is_well_formed_iri(value: str) -> bool:
    """Whether a text is an absolute IRI that every RDF processor takes as it is."""
    return _IRI.fullmatch(value) is not None


@dataclass(frozen=True, slots=True)
class Term:
    """What one name means. JSON-LD 1.1 API §4.2; `unsupported` names the feature that keeps it from being used."""

    iri: str | None
    type: str | None = None
    containers: frozenset[str] = frozenset()
    language: Any = _NOTHING
    context: Any = _NOTHING
    is_prefix: bool = False
    unsupported: str | None = None
    is_protected: bool = field(default=False, compare=False)

    @property
    def has_context(self) -> bool:
        return self.context is not _NOTHING

    @property
    def has_language(self) -> bool:
        return self.language is not _NOTHING


class ActiveContext:
    """The meaning of all names at one place of a document. JSON-LD 1.1 API §4.1; equal only to itself."""

    __slots__ = ("direction", "language", "previous", "terms", "vocabulary")

    def __init__(self, source: "ActiveContext | None" = None) -> None:
        self.terms: dict[str, Term] = {} if source is None else dict(source.terms)
        self.vocabulary: str | None = None if source is None else source.vocabulary
        self.language: str | None = None if source is None else source.language
        self.direction: str | None = None if source is None else source.direction
        self.previous: ActiveContext | None = None if source is None else source.previous

    def expand(self, value: str, *, vocabulary: bool) -> str | None:
        """Return the IRI, keyword or, where nothing applies, the text itself; None for a name said to mean nothing.

        JSON-LD 1.1 API §5.2, with an empty base IRI: what stays relative is for the caller to refuse.
        """
        if value[:1] == "@":
            if value in KEYWORDS:
                return value
            if _KEYWORD_LIKE.fullmatch(value):
                return None
        term = self.terms.get(value)
        if term is not None and (vocabulary or term.iri in KEYWORDS):
            return term.iri
        prefix, colon, suffix = value.partition(":")
        if colon and prefix:
            if prefix == "_" or suffix.startswith("//"):
                return value
            term = self.terms.get(prefix)
            if term is not None and term.iri is not None and term.is_prefix:
                return term.iri + suffix
            if _SCHEME.match(value):
                return value
        if vocabulary and self.vocabulary is not None:
            return self.vocabulary + value
        return value

    def means(self, name: str, keyword: str) -> bool:
        """Whether a name of a member is this keyword or another name for it."""
        term = self.terms.get(name)
        return name == keyword if term is None else term.iri == keyword


class ContextStore:
    """The contexts that documents may name, by URL, and the inline ones they may carry, which must be exactly these.

    Nothing is ever fetched (K-63, A-20). `allowed_inline` is compared by value and is empty for credentials. In them,
    members are called by terms, `id` and `type` too: under an IRI or a keyword the same statement would be signed, and
    nobody who reads members by name would see it.
    """

    def __init__(
        self, contexts: Mapping[str, Any], *, allowed_inline: Sequence[Any] = (), allow_iris_as_names: bool = False
    ) -> None:
        self._contexts: Final = dict(contexts)
        self.allow_iris_as_names: Final = allow_iris_as_names
        self._allowed_inline: Final = list(allowed_inline)
        self._derived: dict[tuple[ActiveContext, Any, bool, bool], tuple[ActiveContext, Any]] = {}
        self.initial: Final = ActiveContext()

    @property
    def contexts(self) -> Mapping[str, Any]:
        """The pinned documents by their URL."""
        return self._contexts

    def require_allowed(self, local: Any) -> Any:
        """Return a document's own `@context`, each object in it replaced by the equal one on the list."""
        if isinstance(local, list):
            return [self._find_allowed(element) for element in local]
        return self._find_allowed(local)

    def _find_allowed(self, element: Any) -> Any:
        if isinstance(element, str):
            return element
        for allowed in self._allowed_inline:
            if type(allowed) is type(element) and allowed == element:
                return allowed
        raise JsonLdError(Reason.INLINE_CONTEXT, repr(element)[:100])

    def derive(
        self, active: ActiveContext, local: Any, *, override_protected: bool = False, propagate: bool = True
    ) -> ActiveContext:
        """Return the context that results from a local one. JSON-LD 1.1 API §4.1.

        Results are kept by the identity of both; the local context, always one of the store's own, is kept with them.
        """
        key = (active, _identity(local), override_protected, propagate)
        found = self._derived.get(key)
        if found is None:
            if len(self._derived) >= _MAX_DERIVED:
                self._derived.clear()
            result = _Derivation(self, override_protected=override_protected).run(active, local, propagate=propagate)
            found = self._derived[key] = (result, local)
        return found[0]

    def load(self, url: str) -> Any:
        """Return the `@context` of a pinned document."""
        if url not in self._contexts:
            raise JsonLdError(Reason.UNPINNED_CONTEXT, url[:200])
        document = self._contexts[url]
        if not isinstance(document, dict) or "@context" not in document:
            raise JsonLdError(Reason.INVALID_CONTEXT, "a pinned document without `@context`")
        return document["@context"]


def _identity(local: Any) -> Any:
    """Contexts that are named are known by their names; others by being the same object."""
    if isinstance(local, str):
        return local
    if isinstance(local, list):
        return tuple(map(_identity, local))
    return id(local)


class _Derivation:
    """One run of the context processing algorithm. JSON-LD 1.1 API §4.1; the numbers are its steps."""

    def __init__(self, store: ContextStore, *, override_protected: bool, remote: tuple[str, ...] = ()) -> None:
        self._store = store
        self._override_protected = override_protected
        self._remote = remote

    def run(self, active: ActiveContext, local: Any, *, propagate: bool) -> ActiveContext:
        # Steps 1 to 3.
        result = ActiveContext(active)
        if isinstance(local, dict):
            propagate = _get_flag(local, "@propagate", default=propagate)
        if not propagate and result.previous is None:
            result.previous = active
        # Steps 4 and 5.
        for context in local if isinstance(local, list) else [local]:
            result = self._apply(result, context, propagate=propagate)
        return result

    def _apply(self, active: ActiveContext, context: Any, *, propagate: bool) -> ActiveContext:
        if context is None:
            return self._nullify(active, propagate=propagate)
        if isinstance(context, str):
            return self._apply_remote(active, context)
        if isinstance(context, dict):
            return _Definitions(self._override_protected).apply(active, context)
        raise JsonLdError(Reason.INVALID_CONTEXT, "neither a URL nor an object")

    def _nullify(self, active: ActiveContext, *, propagate: bool) -> ActiveContext:
        """(5.1)"""
        if not self._override_protected and any(term.is_protected for term in active.terms.values()):
            raise JsonLdError(Reason.PROTECTED_TERM, "null in place of a context with protected terms")
        result = ActiveContext()
        if not propagate:
            result.previous = active
        return result

    def _apply_remote(self, active: ActiveContext, url: str) -> ActiveContext:
        """(5.2)"""
        if url in self._remote or len(self._remote) >= _MAX_CONTEXT_DEPTH:
            raise JsonLdError(Reason.INVALID_CONTEXT, "contexts that lead back to themselves")
        inner = _Derivation(self._store, override_protected=False, remote=(*self._remote, url))
        return inner.run(active, self._store.load(url), propagate=True)


class _Definitions:
    """The definitions of one context object, made in whatever order they need one another. §4.1 (5.4), §4.2."""

    def __init__(self, override_protected: bool) -> None:
        self._override_protected = override_protected
        self._done: dict[str, bool] = {}

    def apply(self, active: ActiveContext, context: dict[str, Any]) -> ActiveContext:
        _require_version(context)
        for name in ("@import", "@base"):
            if context.get(name) is not None:
                raise JsonLdError(Reason.BASE_OR_IMPORT, name)
        self._result = result = ActiveContext(active)
        self._context = context
        _get_flag(context, "@propagate", default=True)
        self._protected = _get_flag(context, "@protected", default=False)
        if "@vocab" in context:
            result.vocabulary = self._read_vocabulary(context["@vocab"])
        if "@language" in context:
            result.language = _read_language(context["@language"])
        if "@direction" in context:
            result.direction = _read_direction(context["@direction"])
        for name in context:
            if name not in _CONTEXT_KEYWORDS:
                self._define(name)
        return result

    def _read_vocabulary(self, value: Any) -> str | None:
        if value is None:
            return None
        expanded = self._result.expand(value, vocabulary=True) if isinstance(value, str) else None
        if expanded is None or not (expanded.startswith("_:") or _SCHEME.match(expanded)):
            raise JsonLdError(Reason.INVALID_CONTEXT, "an `@vocab` that is no IRI")
        return expanded

    def _expand(self, value: str) -> str | None:
        """Expand a name or compact IRI inside the context, defining first what it needs. §5.2 (3) and (6.3)."""
        prefix, colon, suffix = value.partition(":")
        if value in self._context and value not in KEYWORDS:
            self._define(value)
        elif colon and prefix in self._context and prefix not in KEYWORDS and not suffix.startswith("//"):
            self._define(prefix)
        return self._result.expand(value, vocabulary=True)

    def _define(self, name: str) -> None:
        """§4.2 (1) to (9), (27) and (28)."""
        if name in self._done:
            if not self._done[name]:
                raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is defined by itself")
            return
        self._done[name] = False
        _require_definable(name, self._context[name])
        if not _KEYWORD_LIKE.fullmatch(name) or name == "@type":
            previous = self._result.terms.pop(name, None)
            term = self._read_definition(name, self._context[name])
            if term is not None:
                self._result.terms[name] = self._require_unprotected(name, previous, term)
        self._done[name] = True

    def _require_unprotected(self, name: str, previous: Term | None, term: Term) -> Term:
        if previous is None or not previous.is_protected or self._override_protected:
            return term
        if previous != term:
            raise JsonLdError(Reason.PROTECTED_TERM, repr(name))
        return previous

    def _read_definition(self, name: str, value: Any) -> Term | None:
        """§4.2 (10) to (26). None for a definition that JSON-LD ignores."""
        simple = isinstance(value, str)
        definition = value if isinstance(value, dict) else {"@id": value}
        if not definition.keys() <= _DEFINITION_MEMBERS:
            raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is defined by unknown members")
        protected = _get_flag(definition, "@protected", default=self._protected)
        if "@reverse" in definition:
            _require_reverse(name, definition)
            return Term(None, unsupported="@reverse", is_protected=protected)
        identifier = definition.get("@id", name)
        if isinstance(identifier, str) and identifier not in KEYWORDS and _KEYWORD_LIKE.fullmatch(identifier):
            return None
        iri = self._read_iri(name, definition)
        containers = _read_containers(name, definition)
        return Term(
            iri=iri,
            type=self._read_type(definition, containers),
            containers=containers,
            language=_NOTHING if "@type" in definition else _find_language(definition),
            context=definition.get("@context", _NOTHING),
            is_prefix=_read_prefix(name, definition, iri, simple=simple),
            unsupported=_find_unsupported(definition, containers),
            is_protected=protected,
        )

    def _read_type(self, definition: dict[str, Any], containers: frozenset[str]) -> str | None:
        """§4.2 (12)"""
        if "@type" not in definition:
            return None
        value = definition["@type"]
        expanded = self._expand(value) if isinstance(value, str) else None
        if expanded in ("@id", "@vocab", "@json", "@none") or (expanded and is_well_formed_iri(expanded)):
            return expanded
        raise JsonLdError(Reason.INVALID_CONTEXT, f"the type {value!r}")

    def _read_iri(self, name: str, definition: dict[str, Any]) -> str | None:
        """§4.2 (14) to (18)"""
        if "@id" in definition and definition["@id"] != name:
            return self._read_given_iri(name, definition["@id"])
        if ":" in name[1:]:
            prefix, _, suffix = name.partition(":")
            if prefix in self._context and prefix not in KEYWORDS:
                self._define(prefix)
            term = self._result.terms.get(prefix)
            return name if term is None or term.iri is None else term.iri + suffix
        if name == "@type":
            return "@type"
        if self._result.vocabulary is not None:
            return self._result.vocabulary + name
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is defined as no IRI")

    def _read_given_iri(self, name: str, value: Any) -> str | None:
        if value is None:
            return None
        iri = self._expand(value) if isinstance(value, str) else None
        if iri is None or iri == "@context" or not (iri in KEYWORDS or iri.startswith("_:") or _SCHEME.match(iri)):
            raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is defined as no IRI")
        if ":" in name[1:-1] or "/" in name:
            # (14.2.4) A name that looks like an IRI must mean what it looks like.
            self._done[name] = True
            if self._expand_like_iri(name) != iri:
                raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is defined as another IRI")
        return iri

    def _expand_like_iri(self, name: str) -> str | None:
        prefix = name.partition(":")[0]
        if prefix in self._context and prefix not in KEYWORDS:
            self._define(prefix)
        return self._result.expand(name, vocabulary=True)


_CONTEXT_KEYWORDS: Final = frozenset(
    {"@base", "@direction", "@import", "@language", "@propagate", "@protected", "@version", "@vocab"}
)


def _require_version(context: dict[str, Any]) -> None:
    version = context.get("@version", 1.1)
    if isinstance(version, bool) or version != 1.1:
        raise JsonLdError(Reason.INVALID_CONTEXT, "an `@version` other than 1.1")


def _require_definable(name: str, value: Any) -> None:
    """§4.2 (2), (5), (6) and (9)."""
    if name == "@type":
        members = set(value) if isinstance(value, dict) else {""}
        if members and members <= {"@container", "@protected"} and value.get("@container", "@set") == "@set":
            return
    if name == "" or name in KEYWORDS:
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} cannot be defined")
    if value is not None and not isinstance(value, str | dict):
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is defined by {type(value).__name__}")


def _require_reverse(name: str, definition: dict[str, Any]) -> None:
    """§4.2 (13), as far as it says what is no definition at all."""
    containers = definition.get("@container")
    if not isinstance(definition["@reverse"], str) or not definition.keys().isdisjoint({"@id", "@nest"}):
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is no reverse property")
    if containers not in (None, "@set", "@index"):
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} is a reverse property with a container")


def _read_containers(name: str, definition: dict[str, Any]) -> frozenset[str]:
    """§4.2 (19)"""
    value = definition.get("@container", [])
    containers = value if isinstance(value, list) else [value]
    known = all(isinstance(element, str) and element in _CONTAINERS for element in containers)
    if not known or ("@container" in definition and not containers) or not _may_combine(frozenset(containers)):
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} has an impossible container")
    return frozenset(containers)


def _may_combine(containers: frozenset[str]) -> bool:
    rest = containers - {"@set"}
    if "@list" in containers:
        return len(containers) == 1
    if "@graph" in rest:
        return len(rest - {"@graph"}) < 2 and rest <= {"@graph", "@id", "@index"}
    return len(rest) < 2


def _find_unsupported(definition: dict[str, Any], containers: frozenset[str]) -> str | None:
    """Name the feature that this definition uses and the processor does not know."""
    if not containers.isdisjoint(_MAPS):
        return f"container {min(containers & _MAPS)}"
    if definition.get("@direction") is not None:
        return "@direction"
    return next((name for name in ("@nest", "@index") if name in definition), None)


def _read_prefix(name: str, definition: dict[str, Any], iri: str | None, *, simple: bool) -> bool:
    """§4.2 (14.2.5) and (25)"""
    if "@prefix" in definition:
        if ":" in name or "/" in name:
            raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} cannot be a prefix")
        is_prefix = _get_flag(definition, "@prefix", default=False)
        if is_prefix and iri in KEYWORDS:
            raise JsonLdError(Reason.INVALID_CONTEXT, f"{name!r} cannot be a prefix")
        return is_prefix
    looks_like_one = iri is not None and (iri.endswith(_GEN_DELIMS) or iri.startswith("_:"))
    return simple and looks_like_one and ":" not in name and "/" not in name


def _get_flag(members: dict[str, Any], name: str, *, default: bool) -> bool:
    value = members.get(name, default)
    if not isinstance(value, bool):
        raise JsonLdError(Reason.INVALID_CONTEXT, f"{name} is not true or false")
    return value


def _find_language(definition: dict[str, Any]) -> Any:
    return _read_language(definition["@language"]) if "@language" in definition else _NOTHING


def _read_language(value: Any) -> str | None:
    if value is None or (isinstance(value, str) and LANGUAGE_TAG.fullmatch(value)):
        return value
    raise JsonLdError(Reason.INVALID_CONTEXT, "an `@language` that is no language tag")


def _read_direction(value: Any) -> str | None:
    if value in ("ltr", "rtl", None):
        return None if value is None else str(value)
    raise JsonLdError(Reason.INVALID_CONTEXT, "an `@direction` that is none")
