"""Keys that everything at rest is sealed under: read from a file, and replaced without losing anything."""

from pathlib import Path

import pytest

from runtime.encryption import SealError, SealingKey
from runtime.settings import ServiceSettings, SettingsConfigDict, SettingsError

CONTEXT = "test/1"
KEY = "A" * 43


class OneSettings(ServiceSettings):
    model_config = SettingsConfigDict(env_prefix="ONE_")


COMPLETE = {"ONE_PUBLIC_URL": "https://one.example", "ONE_DATABASE_URL": "sqlite:///x", "ONE_ENCRYPTION_KEY": KEY}


def test_what_the_earlier_key_sealed_opens_and_is_sealed_again_once():
    old = SealingKey.generate()
    new = SealingKey(SealingKey.generate().raw, earlier=old)
    sealed = old.seal(b"secret", context=CONTEXT)
    assert new.open(sealed, context=CONTEXT) == b"secret"
    again = new.seal_again(sealed, context=CONTEXT)
    assert again is not None
    assert SealingKey(new.raw).open(again, context=CONTEXT) == b"secret"
    assert new.seal_again(again, context=CONTEXT) is None
    with pytest.raises(SealError):
        old.open(again, context=CONTEXT)


@pytest.mark.parametrize("context", [CONTEXT, "test/2"])
def test_what_neither_key_sealed_or_for_another_context_stays_closed(context: str):
    new = SealingKey(SealingKey.generate().raw, earlier=SealingKey.generate())
    stranger = SealingKey.generate() if context == CONTEXT else new
    sealed = stranger.seal(b"secret", context=CONTEXT)
    for attempt in (new.open, new.seal_again):
        with pytest.raises(SealError):
            attempt(sealed, context=context)


def test_a_secret_may_stand_in_a_file(tmp_path: Path):
    (tmp_path / "key").write_text(f"{KEY}\n")
    given = {**COMPLETE, "ONE_ENCRYPTION_KEY_FILE": str(tmp_path / "key")}
    settings = OneSettings.from_environment({name: value for name, value in given.items() if value is not KEY})
    assert settings.encryption_key.get_secret_value() == KEY


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"ONE_ENCRYPTION_KEY_FILE": "/nowhere/key"}, "ONE_ENCRYPTION_KEY_FILE and ONE_ENCRYPTION_KEY are both given"),
        ({"ONE_ENCRYPTION_KEY": "", "ONE_ENCRYPTION_KEY_FILE": "/nowhere/key"}, "names a file that cannot be read"),
        ({"ONE_PUBLIC_URL_FILE": "/nowhere/url"}, "ONE_PUBLIC_URL_FILE is not a setting"),
    ],
)
def test_a_file_that_is_not_there_twice_given_or_for_no_secret_stops_the_start(change: dict[str, str], problem: str):
    with pytest.raises(SettingsError, match=problem):
        OneSettings.from_environment({**COMPLETE, **change})


def test_what_stands_in_a_file_is_not_repeated_when_it_is_wrong(tmp_path: Path):
    (tmp_path / "key").write_text("too short to be a key")
    with pytest.raises(SettingsError) as caught:
        OneSettings.from_environment(
            {**COMPLETE, "ONE_ENCRYPTION_KEY": "", "ONE_ENCRYPTION_KEY_FILE": str(tmp_path / "key")}
        )
    assert "ONE_ENCRYPTION_KEY" in str(caught.value)
    assert "too short" not in str(caught.value)
