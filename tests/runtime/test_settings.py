"""What stops a start, and how it is told."""

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError
from pydantic_settings import SettingsConfigDict

from runtime.settings import CommaSeparated, ServiceSettings, SettingsError


class Settings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="SAMPLE_")

    badge_vct_values: CommaSeparated = frozenset()


COMPLETE = {
    "SAMPLE_PUBLIC_URL": "https://issuer.example",
    "SAMPLE_DATABASE_URL": "sqlite:///x",
    "SAMPLE_ENCRYPTION_KEY": "A" * 43,
}


def test_settings_come_from_the_environment_with_their_types():
    settings = Settings.from_environment(
        COMPLETE | {"SAMPLE_BADGE_VCT_VALUES": "a, b,", "SAMPLE_SKILLS_INDEX": "/data/skills.sqlite3", "OTHER_X": "1"}
    )
    assert settings.public_url == "https://issuer.example"
    assert settings.badge_vct_values == {"a", "b"}
    assert settings.skills_index == Path("/data/skills.sqlite3")
    assert settings.is_https
    assert settings.sealing_key().raw == bytes(32)


def test_all_problems_are_listed_together_and_without_values():
    environment = {
        "SAMPLE_PUBLIC_URL": "ftp://never-shown.example",
        "SAMPLE_ENCRYPTION_KEY": "never-shown",
        "SAMPLE_TRUST_LST": "never-shown",
        "SAMPLE_LOG_LEVEL": "loud",
    }
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    assert [problem.split()[0] for problem in caught.value.problems] == [
        "SAMPLE_TRUST_LST",
        "SAMPLE_PUBLIC_URL",
        "SAMPLE_DATABASE_URL",
        "SAMPLE_ENCRYPTION_KEY",
        "SAMPLE_LOG_LEVEL",
    ]
    assert "never-shown" not in str(caught.value)


@pytest.mark.parametrize("name", COMPLETE)
def test_nothing_that_must_be_told_has_a_default(name: str):
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment({key: value for key, value in COMPLETE.items() if key != name})
    assert caught.value.problems == [f"{name} is missing"]


def test_an_empty_value_is_no_value():
    assert Settings.from_environment(COMPLETE | {"SAMPLE_TRUST_LIST": ""}).trust_list is None
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(COMPLETE | {"SAMPLE_ENCRYPTION_KEY": ""})
    assert caught.value.problems == ["SAMPLE_ENCRYPTION_KEY is missing"]


def test_a_misspelt_name_alone_stops_the_start():
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(COMPLETE | {"SAMPLE_PUBLIC_ULR": "x"})
    assert caught.value.problems == ["SAMPLE_PUBLIC_ULR is not a setting of this service"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SAMPLE_PUBLIC_URL", "http://issuer.example"),
        ("SAMPLE_PUBLIC_URL", "https://issuer.example/"),
        ("SAMPLE_PUBLIC_URL", "https://issuer.example/path"),
        ("SAMPLE_PUBLIC_URL", "https://a:b@issuer.example"),
        ("SAMPLE_PUBLIC_URL", "issuer.example"),
        ("SAMPLE_ENCRYPTION_KEY", "A" * 42),
        ("SAMPLE_ENCRYPTION_KEY", "A" * 43 + "="),
        ("SAMPLE_LOCAL_HOSTS", "localhost:8101"),
        ("SAMPLE_TRUST_LIST", "https://list.example"),
        ("SAMPLE_TRUST_LIST_SIGNER", '{"kty":"EC"}'),
        ("SAMPLE_REQUESTS_PER_MINUTE", "-1"),
        ("SAMPLE_REQUESTS_PER_MINUTE", "many"),
    ],
)
def test_K84_a_wrong_or_insecure_setting_stops_the_start(name: str, value: str):
    with pytest.raises(SettingsError):
        Settings.from_environment(COMPLETE | {name: value})


@pytest.mark.parametrize("signer", ["not json", "[]", '{"kty":"EC","d":"x"}'])
def test_T03_the_signer_of_the_trust_list_is_a_public_key(signer: str):
    with pytest.raises(SettingsError):
        Settings.from_environment(
            COMPLETE | {"SAMPLE_TRUST_LIST": "https://list.example", "SAMPLE_TRUST_LIST_SIGNER": signer}
        )


def test_K84_http_is_possible_by_its_worrying_name_only():
    settings = Settings.from_environment(
        COMPLETE
        | {
            "SAMPLE_PUBLIC_URL": "http://localhost:8101",
            "SAMPLE_LOCAL_HOSTS": "localhost:8101,localhost:8102",
            "SAMPLE_ALLOW_HTTP_FOR_LOCAL_DEVELOPMENT": "true",
        }
    )
    assert settings.local_hosts == {"localhost:8101", "localhost:8102"}
    assert not settings.is_https


def test_constructing_does_not_read_the_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("SAMPLE_LOG_LEVEL", "error")
    settings = Settings(
        public_url="https://a.example", database_url=SecretStr("sqlite:///x"), encryption_key=SecretStr("A" * 43)
    )
    assert settings.log_level == "info"


def test_settings_cannot_be_changed_and_hide_their_secrets():
    settings = Settings.from_environment(COMPLETE)
    with pytest.raises(ValidationError):
        settings.log_level = "debug"
    assert "A" * 43 not in repr(settings)
    assert "sqlite" not in repr(settings)
