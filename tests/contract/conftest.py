"""The verifier's stage, for the test that holds each service against its document."""

from tests.verifier.conftest import make_stage

__all__ = ["make_stage"]
