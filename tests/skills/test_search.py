"""Searching and the index file, on a few skills that each test one thing; and on all of ESCO where that is at hand."""

import csv
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from skills.index import IndexSource, build_index, build_index_from, read_aliases
from skills.relations import read_relations
from skills.search import SkillIndex
from skills.skill import ESCO_NOTICE, ESCO_SKILL_PREFIX, Skill
from verifier.questions import AskedSkill, create_requirements

ESCO = Path(__file__).resolve().parents[3] / "shared" / "data" / "esco"
needs_esco = pytest.mark.skipif(not ESCO.is_dir(), reason="../shared/data/esco is not there")


def uri(name: str) -> str:
    return ESCO_SKILL_PREFIX + name


def source(name: str, nl: str | None, en: str | None, *, also_nl: tuple[str, ...] = (), also_en: tuple[str, ...] = ()):
    labels = {language: label for language, label in (("nl", nl), ("en", en)) if label}
    return IndexSource(Skill(uri(name), labels, f"About {name}."), {"nl": also_nl, "en": also_en})


SOURCES = [
    source("hrm", "personeelsbeleid", "human resource management", also_en=("HR", "HRM"), also_nl=("hr-beleid",)),
    source("personnel", "personeel", "staff"),
    source("recruit", "personeel werven", "recruit personnel"),
    source("guide", "ander personeel begeleiden", "guide staff"),
    source("advise", None, "advise on personnel management"),
    source("coordinate", "coördinatie van vergaderingen", "coordinate meetings"),
    source("joinery", "buitenschrijnwerk", "exterior joinery"),
    source("interview", "onderzoeksinterviews uitvoeren", "conduct research interview"),
    source("report", "analyseresultaten rapporteren", "report analysis results"),
    source("staffing", "bezetting plannen", "plan staffing", also_nl=("personeel plannen",)),
]
BROADER = [(uri("recruit"), uri("hrm")), (uri("guide"), uri("recruit")), (uri("hrm"), uri("hrm"))]


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("skills") / "index.sqlite3"
    build_index_from(SOURCES, path, broader=BROADER)
    opened = SkillIndex.open(path)
    yield opened
    opened.close()


def names(index: SkillIndex, text: str, language: str = "nl", limit: int = 10) -> list[str]:
    return [skill.uri.removeprefix(ESCO_SKILL_PREFIX) for skill in index.search(text, language=language, limit=limit)]


DOWNLOAD = {
    "skills_en.csv": [
        ["conceptType", "conceptUri", "skillType", "preferredLabel", "altLabels", "status", "description"],
        ["KnowledgeSkillCompetence", uri("hrm"), "knowledge", "personnel policy", "HR\nHRM", "released", "About it."],
        ["KnowledgeSkillCompetence", uri("recruit"), "skill/competence", "recruit staff", "", "released", ""],
    ],
    "skills_nl.csv": [
        ["conceptType", "conceptUri", "skillType", "preferredLabel", "altLabels", "status", "description"],
        ["KnowledgeSkillCompetence", uri("hrm"), "knowledge", "personeelsbeleid", "hr-beleid", "released", ""],
        ["KnowledgeSkillCompetence", uri("recruit"), "skill/competence", "", "", "released", ""],
    ],
    "broaderRelationsSkillPillar_en.csv": [
        ["conceptType", "conceptUri", "broaderType", "broaderUri"],
        ["KnowledgeSkillCompetence", uri("recruit"), "KnowledgeSkillCompetence", uri("hrm")],
        ["KnowledgeSkillCompetence", uri("hrm"), "SkillGroup", "http://data.europa.eu/esco/isced-f/0413"],
    ],
}


def write_download(folder: Path) -> None:
    """The files in the form in which ESCO gives them: with a mark at the beginning, and line breaks in a cell."""
    for name, rows in DOWNLOAD.items():
        with (folder / name).open("w", encoding="utf-8-sig", newline="") as file:
            csv.writer(file).writerows(rows)


def test_the_index_is_made_of_escos_own_download(tmp_path):
    write_download(tmp_path)
    summary = build_index(tmp_path, tmp_path / "index.sqlite3")
    assert (summary.skills, summary.dutch_labels) == (2, 1)
    made = SkillIndex.open(tmp_path / "index.sqlite3")
    assert names(made, "hr-beleid") == names(made, "hrm", "en") == ["hrm"]
    skill = made.get(uri("hrm"))
    assert skill is not None
    assert (skill.labels, skill.kind) == ({"nl": "personeelsbeleid", "en": "personnel policy"}, "knowledge")
    assert made.get(uri("recruit")).labels == {"en": "recruit staff"}
    assert made.narrower(uri("hrm")) == [uri("recruit")]
    made.close()


def test_a_download_in_english_alone_will_do(tmp_path):
    write_download(tmp_path)
    (tmp_path / "skills_nl.csv").unlink()
    assert build_index(tmp_path, tmp_path / "index.sqlite3").dutch_labels == 0


def test_search_ranks_exact_then_starting_with_then_containing(index):
    assert names(index, "personeel") == ["personnel", "recruit", "hrm", "staffing", "guide"]


def test_search_puts_the_preferred_name_before_a_longer_or_other_one(index):
    assert names(index, "personeel w") == ["recruit"]
    assert names(index, "personeel")[1:4] == ["recruit", "hrm", "staffing"]


def test_search_puts_the_language_of_the_page_first_among_equal_matches(index):
    assert names(index, "staf", "en")[0] == "personnel"
    assert names(index, "personn", "nl") == ["recruit", "advise"]


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        pytest.param("Coordinatie", "coordinate", id="without the accent"),
        pytest.param("COÖRDI", "coordinate", id="capitals and half a word"),
        pytest.param("vergader coord", "coordinate", id="beginnings in another order"),
        pytest.param("hr beleid", "hrm", id="a hyphen is a space"),
        pytest.param("hrm", "hrm", id="a synonym in the other language"),
        pytest.param("schrijn", "joinery", id="inside a compound"),
        pytest.param("onderzoeksintervieuws", "interview", id="misspelt"),
        pytest.param("analyserezultaten raporteren", "report", id="two misspelt words"),
    ],
)
def test_search_finds_what_people_type(index, typed, expected):
    assert names(index, typed)[0] == expected


@pytest.mark.parametrize(
    "typed", ["", " ", "p", "!?", '"', "zzzzzzzz", "a" * 5000, "NEAR(", "* OR *", "'; --", "\x00\x00"]
)
def test_search_answers_nonsense_with_nothing(index, typed):
    assert names(index, typed) == []


def test_search_keeps_to_the_limit(index):
    assert len(names(index, "personeel", limit=2)) == 2
    assert names(index, "personeel", limit=0) == []


def test_label_missing_in_dutch_falls_back_to_english_and_says_so(index):
    skill = index.get(uri("advise"))
    assert skill is not None
    assert (skill.label("nl"), skill.label_language("nl")) == ("advise on personnel management", "en")
    assert index.get(uri("hrm")).label_language("nl") == "nl"


def test_get_answers_only_the_exact_uri(index):
    assert index.get(uri("hrm")).description == "About hrm."
    assert index.get(uri("HRM")) is None
    assert index.get(uri("hrm").replace("http:", "https:")) is None


def test_S10_narrower_goes_to_any_depth_and_survives_a_circle(index):
    assert index.narrower(uri("hrm")) == [uri("guide"), uri("recruit")]
    assert index.narrower(uri("guide")) == []
    assert index.narrower(uri("unknown")) == []


HELD = "https://linkeddata.competentnl.nl/id/humancapability/53E033E58A"
ASKED = "https://linkeddata.competentnl.nl/id/human-capability/L3-0042"
OLDER = "https://linkeddata.competentnl.nl/id/skill/42"
UNSAID = "https://linkeddata.competentnl.nl/id/human-capability/53E033E58A"


@pytest.fixture
def with_table(tmp_path):
    """An index with a table of aliases, whose rows are made up: which are the same, their publisher has to say."""
    table = tmp_path / "aliases.csv"
    table.write_text(f"uri,same_as,source\n{HELD},{ASKED},test\n{OLDER},{ASKED},test\n{uri('guide')},{HELD},test\n")
    build_index_from(SOURCES, tmp_path / "i.sqlite3", broader=BROADER, aliases=read_aliases(table))
    opened = SkillIndex.open(tmp_path / "i.sqlite3")
    yield opened
    opened.close()


def test_S04_addresses_of_one_concept_are_known_by_a_table_in_every_direction(with_table):
    concept = {HELD, ASKED, OLDER, uri("guide")}
    for each in concept:
        first, *others = with_table.with_aliases([each])
        assert (first, {first, *others}) == (each, concept)
    assert with_table.with_aliases([uri("hrm"), HELD, ASKED])[:2] == [uri("hrm"), HELD]
    assert len(with_table.with_aliases([HELD, ASKED])) == 4


def test_S04_an_address_that_no_table_names_is_never_made(with_table, index):
    """The two shapes of CompetentNL's addresses with the same end are two addresses until somebody says otherwise."""
    assert with_table.with_aliases([UNSAID]) == [UNSAID]
    assert UNSAID not in with_table.with_aliases([HELD])
    assert index.with_aliases([HELD]) == [HELD]
    assert SkillIndex(None).with_aliases([HELD]) == [HELD]


def test_S04_an_alias_without_a_source_is_refused(tmp_path):
    table = tmp_path / "aliases.csv"
    table.write_text(f"uri,same_as,source\n{HELD},{ASKED},\n")
    with pytest.raises(ValueError, match="line 2"):
        read_aliases(table)


def test_S04_a_question_asks_for_a_skill_under_each_of_its_addresses_and_for_narrower_ones_too(with_table):
    asked = [AskedSkill(OLDER, {"nl": "begeleiden"}), AskedSkill(uri("hrm"), {"nl": "personeelsbeleid"})]
    first, second = create_requirements(asked, index=with_table)
    assert first.accepted[0] == OLDER
    assert set(first.accepted) == {HELD, ASKED, OLDER, uri("guide")}
    assert second.accepted[0] == uri("hrm")
    assert set(second.accepted) == {uri("hrm"), uri("recruit"), uri("guide"), HELD, ASKED, OLDER}


CNL = "https://linkeddata.competentnl.nl/id/humancapability/"
RELATIONS = f"""uri,relation,other,source,name_nl
{CNL}SAME,cnlo:exactMatchESCO,{uri("hrm")},test,Personeelswerk
{CNL}CLOSE,https://linkeddata.competentnl.nl/def/competentnl#closeMatchESCO,{uri("hrm")},test,Mensen sturen
{CNL}ABOVE,skos:narrowMatch,{uri("hrm")},test,Besturen
{uri("hrm")},narrowMatch,{CNL}BELOW,test,
{CNL}INNER,cnlo:broadMatchESCO,{uri("hrm")},test,Werven
{CNL}GUIDE,exactMatch,{uri("guide")},test,Begeleiden
{CNL}GUIDE,exactMatch,{CNL}SAME,test,Begeleiden
"""


@pytest.fixture
def related(tmp_path):
    """An index with relations, whose rows are made up: how concepts lie to each other, their publisher has to say."""
    table = tmp_path / "relations.csv"
    table.write_text(RELATIONS)
    aliases = [(f"{CNL}SAME", f"{CNL}OLDER")]
    relations = read_relations(table)
    build_index_from(SOURCES, tmp_path / "i.sqlite3", broader=BROADER, aliases=aliases, relations=relations)
    opened = SkillIndex.open(tmp_path / "i.sqlite3")
    yield opened
    opened.close()


def test_S05_relations_keep_their_type_in_both_directions(related):
    def told(address):
        return {
            (each.kind, each.skill.uri.removeprefix(CNL), each.skill.label("nl")) for each in related.related(address)
        }

    assert told(uri("hrm")) == {
        ("exact", "SAME", "Personeelswerk"),
        ("close", "CLOSE", "Mensen sturen"),
        ("broad", "ABOVE", "Besturen"),
        ("narrow", "BELOW", f"{CNL}BELOW"),
        ("narrow", "INNER", "Werven"),
    }
    assert told(f"{CNL}BELOW") == {("broad", uri("hrm"), "personeelsbeleid")}
    assert told(f"{CNL}ABOVE") == {("narrow", uri("hrm"), "personeelsbeleid")}
    assert told(f"{CNL}CLOSE") == {("close", uri("hrm"), "personeelsbeleid")}
    assert [each.kind for each in related.related(uri("hrm"))] == ["exact", "close", "broad", "narrow", "narrow"]
    assert told(f"{CNL}INNER") == {("broad", uri("hrm"), "personeelsbeleid")}
    assert told(uri("recruit")) == set()


def test_S05_only_an_exact_match_is_the_same_skill_and_that_in_one_step(related):
    assert related.with_exact_matches([uri("hrm")]) == [uri("hrm"), f"{CNL}SAME", f"{CNL}OLDER"]
    assert uri("guide") not in related.with_exact_matches([uri("hrm")])
    assert related.with_exact_matches([f"{CNL}CLOSE"]) == [f"{CNL}CLOSE"]
    assert set(related.with_exact_matches([f"{CNL}OLDER"])) >= {f"{CNL}OLDER", f"{CNL}SAME", uri("hrm")}
    assert SkillIndex(None).with_exact_matches([uri("hrm")]) == [uri("hrm")]


@pytest.mark.parametrize(
    "row",
    [
        f"{CNL}A,exactMatch,{CNL}B,",
        f"{CNL}A,,{CNL}B,test",
        f"{CNL}A,relatedMatch,{CNL}B,test",
        f"{CNL}A,sameAs,{CNL}B,test",
        f"{CNL}A,exactMatchONET,{CNL}B,test",
        f"{CNL}A,exactMatch,{CNL}A,test",
        f"{CNL}A,exactMatch,{CNL}B",
    ],
)
def test_S05_a_relation_without_a_source_or_of_a_type_that_we_do_not_know_is_refused(tmp_path, row):
    table = tmp_path / "relations.csv"
    table.write_text(f"uri,relation,other,source\n{row}\n")
    with pytest.raises(ValueError, match="line 2"):
        read_relations(table)


def test_S05_the_command_reads_an_operators_table_into_the_index(tmp_path):
    write_download(tmp_path)
    (tmp_path / "relations.csv").write_text(RELATIONS)
    build_index(tmp_path, tmp_path / "index.sqlite3", relations=tmp_path / "relations.csv")
    made = SkillIndex.open(tmp_path / "index.sqlite3")
    assert f"{CNL}SAME" in made.with_exact_matches([uri("hrm")])
    made.close()


def test_S05_an_alignment_never_names_what_a_table_says_of_a_skill(related):
    """What is signed is what the issuer stated: the skill itself, under its own address."""
    assert CNL not in json.dumps(related.get(uri("hrm")).alignment("nl"))


def test_S01_S02_alignment_has_the_uri_as_published_and_the_release(index):
    assert index.get(uri("hrm")).alignment("nl") == {
        "type": "Alignment",
        "targetName": "personeelsbeleid",
        "targetUrl": "http://data.europa.eu/esco/skill/hrm",
        "targetCode": "hrm",
        "targetFramework": "ESCO",
        "targetType": "ext:ESCOAlignment",
        "targetDescription": "ESCO v1.2.0",
    }


def test_S02_name_is_in_the_language_of_the_badge_where_there_is_one(index):
    assert index.get(uri("hrm")).alignment("en")["targetName"] == index.get(uri("hrm")).labels["en"]
    assert index.get(uri("advise")).alignment("nl")["targetName"] == index.get(uri("advise")).labels["en"]


def test_S01_alignment_of_another_framework_claims_nothing_about_esco():
    skill = Skill("https://linkeddata.competentnl.nl/id/humancapability/53E033E58A", {"nl": "Plannen"})
    assert skill.alignment("en") == {"type": "Alignment", "targetName": "Plannen", "targetUrl": skill.uri}


def test_without_a_path_the_index_is_empty_and_never_an_error():
    empty = SkillIndex.open(None)
    assert not empty.available
    assert empty.search("personeel", language="nl") == []
    assert empty.get(uri("hrm")) is None
    assert empty.narrower(uri("hrm")) == []


def test_a_configured_path_without_a_file_is_refused(tmp_path):
    with pytest.raises(FileNotFoundError):
        SkillIndex.open(tmp_path / "none.sqlite3")


def test_a_file_of_another_format_is_refused(tmp_path):
    (tmp_path / "empty.sqlite3").touch()
    with pytest.raises(ValueError, match="format 0"):
        SkillIndex.open(tmp_path / "empty.sqlite3")


def test_the_notice_of_the_commission_is_word_for_word():
    assert ESCO_NOTICE == "This service uses the ESCO classification of the European Commission."


def test_the_same_skills_give_the_same_bytes_in_any_order(tmp_path):
    build_index_from(SOURCES, tmp_path / "one", broader=BROADER)
    build_index_from(reversed(SOURCES), tmp_path / "two", broader=reversed(BROADER))
    assert (tmp_path / "one").read_bytes() == (tmp_path / "two").read_bytes()


def test_a_failed_build_leaves_the_old_index_and_no_rest(tmp_path):
    out = tmp_path / "index"
    build_index_from(SOURCES, out)
    before = out.read_bytes()
    with pytest.raises(ZeroDivisionError):
        build_index_from(SOURCES, out, broader=((uri("hrm"), str(1 // 0)) for _ in range(1)))
    assert out.read_bytes() == before
    assert list(tmp_path.iterdir()) == [out]


@pytest.fixture(scope="module")
def esco(tmp_path_factory):
    path = tmp_path_factory.mktemp("esco") / "index.sqlite3"
    summary = build_index(ESCO, path)
    opened = SkillIndex.open(path)
    yield path, summary, opened
    opened.close()


@needs_esco
def test_all_of_esco_goes_in(esco):
    _, summary, _ = esco
    assert (summary.skills, summary.dutch_labels) == (13_939, 6_377)


@needs_esco
@pytest.mark.parametrize(
    ("typed", "language", "label"),
    [
        ("personeelsbeleid", "nl", "personeelsbeleid"),
        ("HRM", "en", "human resource management"),
        ("onderzoeksintervieuws", "nl", "onderzoeksinterviews uitvoeren"),
        ("report analysis", "en", "report analysis results"),
        ("schrijn", "nl", "timmerwerk"),
        ("advise on personnel", "nl", "advise on personnel management"),
    ],
)
def test_esco_search_finds(esco, typed, language, label):
    assert esco[2].search(typed, language=language)[0].label(language) == label


@needs_esco
def test_esco_search_costs_bounded_work_in_the_database(esco):
    """Counted in thousands of steps of SQLite's machine."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    connection = sqlite3.connect(esco[0])
    connection.set_progress_handler(count, 1000)
    index = SkillIndex(connection)
    costs = {}
    typed = ["ma", "in", "manage", "advies", "personeel", "hr", "schrijn", "bedrijfsproces", "intervieuw", "consult"]
    for text in typed:
        steps = 0
        index.search(text, language="nl")
        costs[text] = steps
    index.close()
    assert 0 < max(costs.values()) < 200, costs


@needs_esco
def test_esco_build_and_search_are_the_same_under_another_hash_seed(esco, tmp_path):
    script = (
        "import hashlib, sys; from pathlib import Path; from skills.index import build_index;"
        "build_index(Path(sys.argv[1]), Path(sys.argv[2]));"
        "print(hashlib.sha256(Path(sys.argv[2]).read_bytes()).hexdigest())"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "4711"}
    ran = subprocess.run(
        [sys.executable, "-c", script, str(ESCO), str(tmp_path / "again")],
        capture_output=True, text=True, check=True, env=environment, cwd=Path(__file__).resolve().parents[2],
    )  # fmt: skip
    assert ran.stdout.strip() == hashlib.sha256(esco[0].read_bytes()).hexdigest()
