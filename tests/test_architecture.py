"""The rules of the house that a machine can keep: layers, tables, settings, words, forms, time."""

import ast
import re
import subprocess
import sysconfig
import tomllib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute

import kernel.errors
from docs.make_env_example import PATH, create_example
from issuer.settings import IssuerSettings
from kernel.errors import CredentialError
from openapi.make_openapi import SERVICES, create_settings
from runtime.folders import package_folder
from runtime.settings import ServiceSettings
from runtime.web.catalogue import find_untranslated, find_unused
from runtime.web.forms import read_form, verify_form
from runtime.web.language import read_catalogue
from verifier.settings import VerifierSettings
from wallet.settings import WalletSettings

ROOT = Path(__file__).resolve().parent.parent
SETTINGS: list[type[ServiceSettings]] = [IssuerSettings, WalletSettings, VerifierSettings]
PACKAGES = ["runtime", *SERVICES]


def subclasses(error: type[CredentialError]) -> Iterator[type[CredentialError]]:
    yield error
    for subclass in error.__subclasses__():
        yield from subclasses(subclass)


KERNEL_ERRORS = [error for error in subclasses(CredentialError) if error.__module__ == kernel.errors.__name__]


def test_the_import_contracts_are_kept():
    command = Path(sysconfig.get_path("scripts")) / "lint-imports"
    result = subprocess.run([command, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout


@pytest.mark.parametrize(
    ("module", "table"),
    [("issuer.errors", "ROWS"), ("wallet.errors", "EXPLANATIONS"), ("verifier.errors", "RESPONSE_ANSWERS")],
)
def test_every_error_of_the_kernel_has_its_own_row_in_every_service(module: str, table: str):
    rows = getattr(import_module(module), table)
    assert [error.__name__ for error in KERNEL_ERRORS if error not in rows] == []


@pytest.mark.parametrize("service", SERVICES)
def test_every_error_of_a_service_has_a_row(service: str):
    """A kernel error that a service adds is found in that service's table by itself."""
    errors = import_module(f"{service}.errors")
    own = [error for error in subclasses(CredentialError) if error.__module__ == errors.__name__]
    table = getattr(errors, {"issuer": "ROWS", "wallet": "EXPLANATIONS", "verifier": "RESPONSE_ANSWERS"}[service])
    assert [error.__name__ for error in own if error not in table] == []


def test_every_error_has_its_own_code_and_sentence():
    codes = [error.code for error in KERNEL_ERRORS]
    assert len(set(codes)) == len(codes)
    assert len({error.sentence for error in KERNEL_ERRORS}) == len(codes)


def test_the_example_of_the_environment_is_what_the_settings_are():
    assert PATH.read_text() == create_example()


def test_the_example_of_the_environment_names_every_setting_and_nothing_else():
    named = re.findall(r"^(?:# )?([A-Z_]+)=", PATH.read_text(), re.MULTILINE)
    assert sorted(named) == sorted(name for settings in SETTINGS for name in settings.environment_names())


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_example_starts_a_service_once_its_key_is_filled_in(settings: type[ServiceSettings]):
    given = dict(re.findall(r"^([A-Z_]+)=(.*)$", PATH.read_text(), re.MULTILINE))
    given[f"{settings.environment_prefix()}ENCRYPTION_KEY"] = "A" * 43
    assert settings.from_environment(given).is_https is False


@pytest.mark.parametrize("settings", SETTINGS)
def test_no_secret_public_url_or_database_has_a_default(settings: type[ServiceSettings]):
    for name in ("public_url", "database_url", "encryption_key"):
        assert settings.model_fields[name].is_required()


@pytest.mark.parametrize("package", PACKAGES)
def test_every_dutch_sentence_has_its_english(package: str):
    packages = ("runtime",) if package == "runtime" else ("runtime", package)
    missing = [(message.id, message.locations[0]) for message in find_untranslated(packages) if message.id]
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_no_english_is_left_of_a_sentence_that_nobody_says(package: str):
    assert list(find_unused(package)) == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_translation_has_the_same_places_to_fill_in(package: str):
    for message in read_catalogue(package, "en"):
        if message.id:
            assert places(message.string) <= places(message.id), message.id


def places(text: Any) -> set[str]:
    texts = text if isinstance(text, list | tuple) else [text]
    return {place for one in texts for place in re.findall(r"%\(\w+\)[sd]|\{\w*\}", one)}


def templates() -> list[Path]:
    return [path for package in PACKAGES for path in (package_folder(package) / "web" / "templates").rglob("*.html")]


@pytest.mark.parametrize("path", templates(), ids=lambda path: f"{path.parts[-4]}/{path.name}")
def test_A41_no_template_has_inline_script_style_or_unescaped_text(path: Path):
    """The content security policy refuses the first two in the browser; `|safe` would undo the escaping."""
    text = path.read_text()
    assert not re.search(r"<script(?![^>]*\ssrc=)", text)
    assert not re.search(r"\sstyle=|<style|\son[a-z]+=|javascript:", text)
    if path.name != "parts.html":
        assert "|safe" not in text.replace(" ", "")


@pytest.mark.parametrize("path", templates(), ids=lambda path: f"{path.parts[-4]}/{path.name}")
def test_A52_every_form_that_posts_carries_its_token(path: Path):
    for form in re.findall(r"<form\b[^>]*method=\"post\".*?</form>", path.read_text(), re.DOTALL | re.IGNORECASE):
        assert "csrf_field()" in form


def create_app(service: str, tmp_path: Path) -> Any:
    return import_module(f"{service}.app").create_app(create_settings(service, tmp_path))


def protocol_and_api(route: APIRoute) -> bool:
    return route.path.startswith("/api/") or type(route).__name__ == "OAuthRoute"


def calls(dependant: Any) -> Iterator[Any]:
    yield dependant.call
    for inner in dependant.dependencies:
        yield from calls(inner)


def routes_of(router: Any) -> Iterator[APIRoute]:
    """Every FastAPI route, also those that newer releases keep inside included routers."""
    for route in router.routes:
        if isinstance(route, APIRoute):
            yield route
        elif hasattr(route, "original_router"):
            yield from routes_of(route.original_router)


@pytest.mark.parametrize("service", SERVICES)
def test_A52_every_page_that_changes_something_checks_its_form(service: str, tmp_path: Path):
    changing = [
        route
        for route in routes_of(create_app(service, tmp_path))
        if route.methods - {"GET", "HEAD", "OPTIONS"} and not protocol_and_api(route)
    ]
    assert changing
    assert [route.path for route in changing if not {read_form, verify_form} & set(calls(route.dependant))] == []


def sources(*packages: str) -> list[Path]:
    return [path for package in packages for path in (ROOT / package).rglob("*.py")]


@pytest.mark.parametrize("path", sources(*SERVICES, "kernel", "skills"), ids=lambda path: str(path.relative_to(ROOT)))
def test_nobody_reads_the_clock_or_commits_by_hand(path: Path):
    """`now` is an argument, and `runtime.database` commits (ARCHITECTURE section 6b)."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            called = ast.unparse(node.func)
            assert not re.fullmatch(
                r"(?:datetime\.)*datetime\.(?:utc)?now|date\.today|time\.time|.*\.commit", called
            ), f"{path.name}:{node.lineno} {called}"


def test_the_image_is_made_by_the_makefile_and_runs_as_nobody_special():
    dockerfile = (ROOT / "Dockerfile").read_text()
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"RUN make (\S+)", dockerfile)
    assert targets == ["install"]
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in targets)
    copied = set(re.findall(r"^COPY (\w+) \w+$", dockerfile, re.MULTILINE))
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"]["find"]["include"]
    assert {package.rstrip("*") for package in packages} <= copied
    assert re.search(r"^USER 10001$", dockerfile, re.MULTILINE)
