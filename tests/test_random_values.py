"""Random values: from the operating system's generator, long enough, and compared in constant time. K-11."""

import ast
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel import base64url
from kernel.sd_jwt import create_salts
from runtime.tokens import create_token

ROOT = Path(__file__).parents[1]
PACKAGES = ("cli", "issuer", "kernel", "runtime", "skills", "verifier", "wallet")
# Names of values that open something, when they stand in a comparison.
SECRET_NAMES = ("tx_code", "mac", "csrf", "nonce", "c_nonce", "pre_authorized_code", "recovery_code", "access_token")
LEAST_BYTES = 16


def modules() -> Iterator[tuple[Path, ast.Module]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def test_K11_no_generator_but_the_operating_systems_is_used():
    allowed = {"SystemRandom", "Random"}  # the second as a type only; see the next test
    # What a person quotes to find a line in the log guards nothing.
    trace_ids = (Path("runtime/errors.py"), "randbytes")
    found = [
        f"{path}:{node.lineno} random.{node.attr}"
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "random"
        if node.attr not in allowed and (path, node.attr) != trace_ids
    ]
    assert found == []


def test_K11_no_generator_that_could_be_seeded_is_made():
    found = [
        f"{path}:{node.lineno}"
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in {"random.Random", "Random", "random.seed"}
    ]
    assert found == []


def test_K11_a_token_has_at_least_128_random_bits():
    assert len(base64url.decode(create_token())) >= LEAST_BYTES
    with pytest.raises(ValueError, match="128"):
        create_token(LEAST_BYTES - 1)


def test_K11_a_salt_has_at_least_128_random_bits_and_none_comes_twice():
    salts = list(itertools.islice(create_salts(), 1000))
    assert {len(base64url.decode(salt)) >= LEAST_BYTES for salt in salts} == {True}
    assert len(set(salts)) == len(salts)


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_K11_secrets_are_not_compared_by_the_equals_sign(name: str):
    found = [
        f"{path}:{node.lineno} {ast.unparse(node)}"
        for path, module in modules()
        for node in ast.walk(module)
        if isinstance(node, ast.Compare) and any(isinstance(op, ast.Eq | ast.NotEq) for op in node.ops)
        if any(_is_value_called(side, name) for side in (node.left, *node.comparators))
        and not any(isinstance(side, ast.Constant) for side in (node.left, *node.comparators))
    ]
    assert found == []


def _is_value_called(node: ast.expr, name: str) -> bool:
    return (isinstance(node, ast.Name) and node.id == name) or (isinstance(node, ast.Attribute) and node.attr == name)
