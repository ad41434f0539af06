"""The contexts of published test vectors, which the VC API for tests pins too."""

from cli.vc_api.contexts import contexts_for_tests
from kernel.json_ld import ContextStore


def vector_contexts() -> ContextStore:
    """Return the pinned contexts and those of the vectors."""
    return contexts_for_tests()
