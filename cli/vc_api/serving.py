"""Start the VC API in this process, if the settings say so by name."""

from collections.abc import Sequence

import uvicorn
from pydantic import ValidationError

from cli.vc_api.app import create_app
from cli.vc_api.settings import VcApiSettings
from runtime.logging import configure_logging
from runtime.settings import SettingsError


def serve(cryptosuites: Sequence[str], *, host: str, port: int) -> None:
    """Answer requests until told to stop; raise SettingsError unless it was switched on."""
    _require_enabled()
    configure_logging()
    uvicorn.run(create_app(cryptosuites), host=host, port=port, access_log=False, server_header=False)


def _require_enabled() -> None:
    try:
        is_enabled = VcApiSettings().enabled_for_tests
    except ValidationError:
        is_enabled = False
    if not is_enabled:
        raise SettingsError(["VC_API_ENABLED_FOR_TESTS is not true; this signs whatever anybody sends"])
