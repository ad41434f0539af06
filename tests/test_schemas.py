"""The files of `schemas`: published ones byte by byte, our own sound and in step with the code."""

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

import schemas
from kernel.errors import CredentialError
from kernel.open_badges import ACHIEVEMENT_TYPES, CONTEXTS, verify_achievement
from tests.support.badges import create_test_achievement

FOLDER = Path(schemas.__file__).parent
PUBLISHED = {
    "data-integrity-v2.json": "67f21e6e33a6c14e5ccfd2fc7865f7474fb71a04af7e94136cb399dfac8ae8f4",
    "open-badges-3.0.1.json": "5f3d9dd6288ef437ff8286cf95ffbff609c748a66f24a1e9450c45ca64be1571",
    "open-badges-3.0.2.json": "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53",
    "open-badges-extensions.json": "87c06c81bc2317663bf288d740d94fddd2818c4342b186270ff6371dfaa63f93",
    "clr-2.0.1.json": "880f1902d4158f2f33ce06af41b90719977cd1ea337a9de2e41edb3ff5e543d6",
    "credentials-v2.json": "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734",
    "open-badges-3.0.3.json": "3d34f4d4ef1bce691106e63798beb5e7b862ba841423f5ee1e53ab7ddf3bca84",
}
OUR_OWN = {"achievement.schema.json", "open-badge.schema.json", "skill-badge.type-metadata.json"}
VALIDATOR = jsonschema_rs.validator_for(schemas.load("achievement.schema.json"))


@pytest.mark.parametrize("name", sorted(PUBLISHED))
def test_K65_published_file_has_the_bytes_of_its_publisher(name: str) -> None:
    assert hashlib.sha256(schemas.load_bytes(name)).hexdigest() == PUBLISHED[name]


def test_K63_every_file_is_accounted_for_with_its_source_and_digest() -> None:
    source = (FOLDER / "SOURCE.md").read_text("utf-8")
    listed = dict(re.findall(r"^\| `([^`]+)` \|.*\| `([0-9a-f]{64})` \|$", source, re.MULTILINE))
    assert listed == PUBLISHED
    assert {path.name for path in FOLDER.glob("*.json")} == PUBLISHED.keys() | OUR_OWN
    assert all(f"`{name}`" in source for name in OUR_OWN)


def test_K63_every_context_in_use_is_pinned() -> None:
    for name in CONTEXTS.values():
        assert name in PUBLISHED
        assert "@context" in schemas.load(name)


def test_loading_gives_each_caller_its_own_value() -> None:
    first = schemas.load("skill-badge.type-metadata.json")
    first.clear()
    assert schemas.load("skill-badge.type-metadata.json")


def test_files_are_part_of_what_gets_installed() -> None:
    """Package data is declared by pattern and for the package folder only, so the files may not lie deeper."""
    assert all(path.parent == FOLDER for path in FOLDER.rglob("*.json"))


def test_B04_achievement_schema_is_a_schema() -> None:
    assert jsonschema_rs.meta.is_valid(schemas.load("achievement.schema.json"))
    assert "MicroCredential" in ACHIEVEMENT_TYPES
    assert len(ACHIEVEMENT_TYPES) == 31


ALIGNMENT = {"type": ["Alignment"], "targetName": "x", "targetUrl": "http://data.europa.eu/esco/skill/1"}
LEVEL = {"id": "urn:uuid:2", "type": ["RubricCriterionLevel"], "name": "Goed", "level": "3"}
DESCRIPTION = {
    "id": "urn:uuid:1",
    "type": ["ResultDescription"],
    "name": "Beoordeling",
    "resultType": "RubricCriterionLevel",
    "requiredLevel": "urn:uuid:2",
    "rubricCriterionLevel": [LEVEL],
}


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"alignment": None},
        {"image": None},
        {"achievementType": "ext:Werkplekleren"},
        {"criteria": {"id": "https://x.example/criteria"}},
        {"image": {"id": "data:image/png;base64,AAAA", "type": "Image", "caption": "Badge"}},
        {"resultDescription": [DESCRIPTION]},
        {"tag": ["regio"], "version": "1", "creditsAvailable": 3},
        {"alignment": [{**ALIGNMENT, "targetType": "CFItem", "targetCode": "1"}]},
    ],
)
def test_B04_schema_and_code_accept_the_same_achievement(changes: dict[str, Any]) -> None:
    achievement = create_test_achievement(**changes)
    VALIDATOR.validate(achievement)
    verify_achievement(achievement)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": None},
        {"id": "no url"},
        {"type": None},
        {"type": []},
        {"type": "Achievement"},
        {"type": ["Badge"]},
        {"type": ["Achievement", ""]},
        {"name": None},
        {"name": " "},
        {"name": ["x"]},
        {"description": None},
        {"criteria": None},
        {"criteria": {}},
        {"criteria": "text"},
        {"criteria": {"type": "Criteria"}},
        {"criteria": {"narrative": ""}},
        {"criteria": {"id": "no url"}},
        {"achievementType": "Unknown"},
        {"achievementType": "ext:"},
        {"achievementType": "ext:met spatie"},
        {"achievementType": ["Badge"]},
        {"image": "https://x.example/image"},
        {"image": {"id": "http://x.example/image", "type": "Image"}},
        {"image": {"id": "data:text/html;base64,AAAA", "type": "Image"}},
        {"image": {"id": "https://x.example/image"}},
        {"alignment": []},
        {"alignment": ALIGNMENT},
        {"alignment": ["http://data.europa.eu/esco/skill/1"]},
        {"alignment": [{**ALIGNMENT, "type": "Alignment"}]},
        {"alignment": [{**ALIGNMENT, "targetName": ""}]},
        {"alignment": [{**ALIGNMENT, "targetUrl": "esco skill"}]},
        {"alignment": [{**ALIGNMENT, "targetType": "ESCO"}]},
        {"alignment": [{**ALIGNMENT, "unknown": "x"}]},
        {"alignment": [{**ALIGNMENT, "targetCode": 1}]},
        {"alignment": [{**ALIGNMENT, "targetFramework": ""}]},
        {"resultDescription": [{**DESCRIPTION, "resultType": "Unknown"}]},
        {"resultDescription": [{**DESCRIPTION, "name": None}]},
        {"resultDescription": [{**DESCRIPTION, "rubricCriterionLevel": [{**LEVEL, "id": "no url"}]}]},
        {"resultDescription": [{**DESCRIPTION, "rubricCriterionLevel": []}]},
        {"tag": "regio"},
        {"tag": []},
        {"tag": [""]},
        {"version": 1},
        {"version": ""},
        {"inLanguage": "Nederlands!"},
        {"creditsAvailable": "3"},
        {"creditsAvailable": -1},
        {"creditsAvailable": True},
        {"creator": {"type": ["Profile"]}},
        {"unknownMember": "x"},
        {"endorsementJwt": ["x"]},
    ],
    ids=lambda changes: json.dumps(changes)[:60],
)
def test_B04_B05_B06_B10_schema_and_code_refuse_the_same_achievement(changes: dict[str, Any]) -> None:
    achievement = create_test_achievement(**changes)
    assert not VALIDATOR.is_valid(achievement)
    with pytest.raises(CredentialError) as refusal:
        verify_achievement(achievement)
    assert refusal.value.code == "malformed"
