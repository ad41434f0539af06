"""Only words of ours are looked up in the catalogue: `_(variable)` would take a stranger's for a format and markup."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from jinja2 import Environment, nodes

from runtime.folders import package_folder

_TRANSLATORS = {"_": 1, "gettext": 1, "ngettext": 2}
# Texts of our own that code marks for the catalogue (`N_`, or `_` of an error class), and that a template translates.
_OWN = {"error.title", "error.meaning", "error.advice", "error.step.name", "cause_meaning"}
# The issuer's tables of its own words: what an option, a state, an action and a reason are called.
_OWN |= {
    "words",
    "words[]",
    "shown[]",
    "uses[]",
    "actions[]",
    "participation",
    "line.reason",
    "file_words[][]",
    "rights[]",
}
# What a refusal of the issuer says, of itself and of each field.
_OWN |= {"error.sentence", "error.fields[]"}
_PACKAGES = ("runtime", "issuer", "wallet", "verifier")
TEMPLATES = sorted(path for name in _PACKAGES for path in (package_folder(name) / "web" / "templates").glob("*"))
ENVIRONMENT = Environment(extensions=["jinja2.ext.i18n", "jinja2.ext.loopcontrols"], autoescape=True)


def find_translated_variables(template: str) -> Iterator[str]:
    """What is translated in a template and is neither a literal nor one of ours."""
    for call in ENVIRONMENT.parse(template).find_all(nodes.Call):
        if isinstance(call.node, nodes.Name) and call.node.name in _TRANSLATORS:
            for text in call.args[: _TRANSLATORS[call.node.name]]:
                if not (isinstance(text, nodes.Const) or _name(text) in _OWN):
                    yield f"{call.node.name}({_name(text)}) on line {call.lineno}"


def _name(node: nodes.Expr) -> str:
    if isinstance(node, nodes.Getitem):
        return f"{_name(node.node)}[]"
    return f"{_name(node.node)}.{node.attr}" if isinstance(node, nodes.Getattr) else getattr(node, "name", "…")


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: f"{path.parents[2].name}/{path.name}")
def test_A41_only_literals_are_translated(path: Path) -> None:
    assert list(find_translated_variables(path.read_text())) == []


@pytest.mark.parametrize(
    "template",
    ["{{ _(badge.name) }}", "{{ gettext(name) }}", "{{ ngettext('een', names, 2) }}", "{{ _('a' ~ name) }}",
     "{% macro m(x) %}{{ _(x) }}{% endmacro %}"],
)  # fmt: skip
def test_A41_translated_variable_is_found(template: str) -> None:
    assert list(find_translated_variables(template))
