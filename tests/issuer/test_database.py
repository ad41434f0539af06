"""The tables are what the models say, on both databases; settings are checked before anything starts."""

from typing import Any

import pytest

from issuer.models import Base
from issuer.settings import IssuerSettings
from runtime.migrations import find_drift, upgrade
from runtime.settings import SettingsError
from tests.conftest import NewDatabase
from tests.issuer.conftest import settings_for

ENVIRONMENT = {
    "ISSUER_PUBLIC_URL": "https://issuer.example",
    "ISSUER_DATABASE_URL": "sqlite:///x",
    "ISSUER_ENCRYPTION_KEY": "A" * 43,
    "ISSUER_BADGE_VCT": "https://issuer.example/vct/skill-badge/1",
}


def test_the_migrations_make_what_the_models_say(new_database: NewDatabase) -> None:
    url = new_database("issuer")
    assert find_drift(url, Base.metadata) == []
    upgrade(url, "issuer")


def test_settings_are_read_from_the_environment() -> None:
    settings = IssuerSettings.from_environment({**ENVIRONMENT, "ISSUER_STATUS_LIST_TTL": "PT1S"})
    assert settings.status_list_ttl.total_seconds() == 1


@pytest.mark.parametrize("missing", ENVIRONMENT)
def test_a_missing_setting_stops_the_start(missing: str) -> None:
    with pytest.raises(SettingsError) as caught:
        IssuerSettings.from_environment({name: value for name, value in ENVIRONMENT.items() if name != missing})
    assert missing in str(caught.value)


@pytest.mark.parametrize(
    "change",
    [
        {"access_token_lifetime": "PT6M"},
        {"status_list_size": 1024},
        {"status_list_ttl": "PT0S"},
        {"admin_key": "kort"},
        {"badge_vct": "urn:skill-badge"},
        {"batch_size": 1},
        {"public_url": "http://issuer.example"},
    ],
)
def test_I31_K77_policy_that_would_weaken_the_service_stops_the_start(change: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(change))):
        settings_for("sqlite:///x", **change)
