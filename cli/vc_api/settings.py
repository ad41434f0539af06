"""Whether the VC API may be started at all."""

from pydantic_settings import BaseSettings, SettingsConfigDict


class VcApiSettings(BaseSettings):
    """Settings of the VC API, from the environment."""

    model_config = SettingsConfigDict(
        env_prefix="VC_API_", frozen=True, env_ignore_empty=True, use_attribute_docstrings=True
    )

    enabled_for_tests: bool = False
    """Signs whatever anybody sends: for interoperability tests only, never where real credentials are made."""
