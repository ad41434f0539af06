"""What goes well: the badge is described, awarded, received and shown, and every byte that was sent is looked at."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import httpx
import segno

from cli.clients import WalletClient
from cli.demo.stage import ACHIEVEMENT_TYPE, INPUT, Stage, Student, label, outcomes, text
from cli.hostile import count_disclosures, readable_parts
from cli.language import say
from cli.local import Login, create_passphrase
from cli.recipients import evidence_of, read_achievement, read_recipients
from cli.trust_files import Entry, add_entry, create_list, sign_list
from cli.verifier_commands import outcome_text
from cli.wallet_commands import fact_text, hidden_facts, purpose_text, recognition_text, state_text
from kernel.did import did_web
from kernel.open_badges import OPEN_BADGE_CREDENTIAL
from kernel.sd_jwt import parse_sd_jwt
from runtime.clock import utc_now

# 1. The badge is described


async def describe(stage: Stage) -> None:
    story, organisation = stage.story, stage.described["organisation"]
    story.step("1", say("De organisatie beschrijft de badge", "The organisation describes the badge"))
    await stage.issuer.create_organisation(organisation)
    story.tell(organisation["name"])
    achievement = await stage.issuer.create_achievement(
        stage.organisation, read_achievement(INPUT / "achievement.json")
    )
    story.tell(f"“{text(achievement['name'])}”")
    story.tell(say("Nodig: ", "Needed: ") + text(stage.described["achievement"]["criteria"]))
    story.tell(say("Beoordeeld: ", "Assessed: ") + stage.described["achievement"]["assessment"])
    for skill in stage.described["achievement"]["skills"]:
        story.tell(f"  • {label(skill)}  {skill['uri']}")
    found = [skill["uri"] for skill in achievement["skills"] if await _is_found(stage, skill)]
    story.check(
        say(
            "De badge noemt ten minste vier skills, die in de skillslijst staan",
            "The badge names at least four skills, which stand in the list of skills",
        ),
        len(found) == len(achievement["skills"]) >= 4,
        len(found),
    )
    _check_published(stage, await _public_achievement(stage))
    passphrase = create_passphrase()
    email = f"medewerker@{stage.organisation}.example"
    await stage.issuer.create_operator(stage.organisation, email=email, name="Medewerker", passphrase=passphrase)
    address = f"{stage.deployment.address('issuer')}/back-office/{stage.organisation}"
    stage.deployment.logins.append(Login("issuer", email, passphrase, address))


async def _is_found(stage: Stage, skill: Mapping[str, Any]) -> bool:
    """Whether whoever searches the issuer's list of skills for this name finds this skill."""
    found = await stage.issuer.skills(skill["name"], "nl")
    return skill["uri"] in {one["uri"] for one in found["skills"]}


def _check_published(stage: Stage, published: httpx.Response) -> None:
    """What a stranger reads at the achievement's own address is what the organisation described."""
    described = read_achievement(INPUT / "achievement.json")
    said = published.json() if published.status_code == 200 else {}
    narrative = said.get("criteria", {}).get("narrative", "")
    stage.story.check(
        say(
            "Iedereen kan lezen wat er nodig was en hoe het is beoordeeld",
            "Anybody can read what was needed and how it was assessed",
        ),
        described["criteria"]["nl"] in narrative and described["assessment"] in narrative,
        published.status_code,
    )
    image = said.get("image", {}).get("id", "")
    stage.story.check(
        say("De badge heeft een plaatje", "The badge has a picture"),
        image.startswith("data:image/svg+xml;base64,"),
        say(f"{len(image)} tekens", f"{len(image)} characters"),
    )


async def _public_achievement(stage: Stage) -> httpx.Response:
    url = f"{stage.deployment.address('issuer')}/{stage.organisation}/achievements/{stage.achievement}"
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(url)


async def recognise(stage: Stage) -> None:
    """The recruiter joins, and the ecosystem's list says who is recognised for what."""
    recruiter = stage.described["recruiter"]
    created = await stage.verifier.create_relying_party({name: recruiter[name] for name in ("slug", "name", "url")})
    stage.deployment.api_keys[f"verifier/{stage.recruiter}"] = created["api_key"]
    stage.verifier.key = created["api_key"]
    passphrase = create_passphrase()
    email = f"recruiter@{stage.recruiter}.example"
    await stage.verifier.create_operator(stage.recruiter, email=email, name="Recruiter", passphrase=passphrase)
    address = f"{stage.deployment.address('verifier')}/back-office/{stage.recruiter}"
    stage.deployment.logins.append(Login("verifier", email, passphrase, address))
    signed = _sign_trust_list(stage)
    stage.story.check(
        say("De lijst van erkende partijen is getekend", "The list of recognised parties is signed"),
        len(signed) == 3,
        ", ".join(signed),
    )


def _sign_trust_list(stage: Stage) -> list[str]:
    deployment = stage.deployment
    readable = deployment.folder / "trust-list.json"
    since = datetime.fromisoformat(stage.described["award"]["awarded_at"]) - timedelta(days=365)
    create_list(
        readable,
        operator="Skills-ecosysteem (demo)",
        scheme="https://trust.skills.example",
        territory="NL",
        now=utc_now(),
    )
    types = (deployment.badge_vct, OPEN_BADGE_CREDENTIAL)
    issuer = f"{deployment.address('issuer')}/{stage.organisation}"
    verifier = f"{deployment.address('verifier')}/{stage.recruiter}"
    for entry in (
        Entry(
            stage.described["organisation"]["name"], (did_web(issuer), issuer), "issuance", since,
            credential_types=types, achievement_types=(ACHIEVEMENT_TYPE,),
        ),
        Entry(
            "Oefenhogeschool (demo)", (stage.practice.did,), "issuance", since,
            credential_types=types, achievement_types=(ACHIEVEMENT_TYPE,),
        ),
        Entry(stage.described["recruiter"]["name"], (did_web(verifier),), "verification", since),
    ):  # fmt: skip
        add_entry(readable, entry)
    signed = sign_list(
        readable,
        deployment.trust_list_path,
        signer=deployment.trust_list_signer(),
        valid_for=timedelta(days=30),
        now=utc_now(),
    )
    return [next(iter(entity.names.values())) for entity in signed.entities]


# 2. The badge is awarded


async def award(stage: Stage) -> None:
    story, award = stage.story, stage.described["award"]
    story.step("2", say("De organisatie reikt de badge uit", "The organisation awards the badge"))
    evidence = _evidence(stage)
    story.tell(say("Bewijs: ", "Evidence: ") + f"{evidence['name']}, {evidence['digest']}")
    people = read_recipients(INPUT / "students.csv")
    awarded = await stage.issuer.award(
        stage.organisation,
        stage.achievement,
        [{**person, "evidence": [evidence]} for person in people],
        awarded_at=award["awarded_at"],
    )
    folder = stage.deployment.folder / "qr"
    folder.mkdir(exist_ok=True)
    for person, one in zip(people, awarded, strict=True):
        wallet = WalletClient(stage.deployment.address("wallet"))
        copied = await stage.strange.read_offer(one["offer"]["link"])
        stage.students.append(Student(person, one, wallet, copied_offer=copied))
        segno.make(one["offer"]["link"], error="m").save(str(folder / f"{person['given_name'].lower()}.svg"), scale=4)
        story.tell(f"{person['given_name']} {person['family_name']}: {one['offer']['link'][:88]}…")
    story.check(
        say("Drie studenten kregen elk een eigen aanbod", "Three students each got an offer of their own"),
        len({one["offer"]["link"] for one in awarded}) == len(people) == 3,
        len(awarded),
    )
    story.check(
        say("Elke code reist los van zijn link", "Each code travels apart from its link"),
        all(one["offer"]["tx_code"] and one["offer"]["tx_code"] not in one["offer"]["link"] for one in awarded),
    )
    story.tell(say(f"De QR-codes staan in {folder}.", f"The QR codes are in {folder}."))


def _evidence(stage: Stage) -> dict[str, str]:
    proof = stage.described["award"]["evidence"]
    return evidence_of(INPUT / proof["file"], name=proof["name"], description=proof["description"])


# 3. The badge is received


async def receive(stage: Stage) -> None:
    story = stage.story
    story.step("3", say("Elke student ontvangt de badge", "Each student receives the badge"))
    for student in stage.students:
        await _receive_one(stage, student)
    keys = [key for student in stage.students for key in await _holder_keys(student)]
    story.check(
        say("Elke badge hoort bij een eigen, nieuwe sleutel", "Each badge belongs to a fresh key of its own"),
        len(keys) == len(set(keys)) == len(stage.students),
        len(set(keys)),
    )
    leaked = _words_in_database(stage, [str(value) for student in stage.students for value in student.person.values()])
    story.check(
        say(
            "In de database van de wallet staat geen naam, adres of badge leesbaar",
            "The wallet's database holds no readable name, address or badge",
        ),
        not leaked,
        ", ".join(leaked),
    )
    first = stage.students[0]
    note = say("de wallet van een student", "the wallet of a student")
    stage.deployment.logins.append(
        Login("wallet", first.account, first.passphrase, stage.deployment.address("wallet"), note)
    )


async def _receive_one(stage: Stage, student: Student) -> None:
    story = stage.story
    await _open_wallet(student)
    offer = await student.wallet.open_offer(student.award["offer"]["link"])
    outcome = str(offer["recognition"]["outcome"])
    who, what = f"{offer['issuer_name']} ({offer['host']})", offer["credentials"][0]["name"]
    story.tell(say(f"{student.name} ziet: {who} biedt “{what}” aan.", f"{student.name} sees: {who} offers “{what}”."))
    story.check(
        say("De uitgever is erkend", "The issuer is recognised"), outcome == "recognised", recognition_text(outcome)
    )
    kept = await student.wallet.accept_offer(offer["id"], tx_code=student.award["offer"]["tx_code"])
    student.credential_ids = [credential["id"] for credential in kept["credentials"]]
    badges = [await student.wallet.credential(number) for number in student.credential_ids]
    states = [badge["state"] for badge in badges]
    story.check(
        say(f"{student.name} heeft de badge, nagekeken en geldig", f"{student.name} has the badge, checked and valid"),
        bool(states) and set(states) == {"valid"},
        ", ".join(map(state_text, states)),
    )
    report = _evidence(stage)
    story.check(
        say(
            "De badge noemt de vingerafdruk van het adviesrapport", "The badge names the digest of the advisory report"
        ),
        [proof["digest"] for badge in badges for proof in badge["evidence"]] == [report["digest"]],
        report["digest"],
    )


async def _holder_keys(student: Student) -> list[str]:
    """The keys to which the student's badges are bound, as their SD-JWTs name them."""
    exported = await student.wallet.export()
    forms = [form for badge in exported["credentials"] for form in badge["forms"] if form["format"] == "dc+sd-jwt"]
    return [json.dumps(parse_sd_jwt(form["raw"]).issuer_jwt.payload["cnf"]["jwk"], sort_keys=True) for form in forms]


async def _open_wallet(student: Student) -> None:
    student.account = f"{student.name.lower()}-{student.person['family_name'].split()[-1].lower()}"
    student.passphrase = create_passphrase()
    await student.wallet.create_account(student.account, student.passphrase)
    await student.wallet.sign_in(student.account, student.passphrase)


def _words_in_database(stage: Stage, words: Sequence[str]) -> list[str]:
    """Which of these words can be read in the wallet's files as they lie on disk."""
    files = stage.deployment.folder.glob("wallet.sqlite3*")
    content = b"".join(path.read_bytes() for path in files)
    searched = [*words, text(stage.described["achievement"]["name"])]
    # Accounts are found by name, so a first name that is part of an account name would be found there.
    return [word for word in searched if len(word) > 6 and word.encode() in content]


# 4. The badge is shown


async def show(stage: Stage) -> None:
    story, student = stage.story, stage.students[0]
    story.step(
        "4", say("Een recruiter vraagt twee skills, niets anders", "A recruiter asks for two skills, nothing else")
    )
    question = stage.described["recruiter"]["question"]
    skills = [skill for skill in stage.described["achievement"]["skills"] if skill["uri"] in question["skills"]]
    created = await stage.verifier.create_question(
        stage.recruiter,
        {
            "title": question["title"],
            "purpose": question["purpose"],
            "skills": [{"uri": skill["uri"], "name": label(skill), "required": True} for skill in skills],
        },
    )
    stage.question_id = created["id"]
    started = await stage.ask()
    request = await student.wallet.open_request(started["link"])
    _tell_consent(stage, student, request, [skill["uri"] for skill in skills])
    await student.wallet.accept_request(request["id"])
    presentation = await stage.outcome(started["id"])
    report = presentation.get("report") or {}
    for code, (outcome, error_code) in outcomes(report).items():
        story.check(_CHECKS[code](), outcome in {"passed", "not_applicable"}, error_code or outcome_text(outcome))
    story.check(
        say("De recruiter ziet: aanvaard", "The recruiter sees: accepted"),
        bool(report.get("accepted")),
    )
    told = json.dumps(presentation, ensure_ascii=False)
    found = [value for value in student.person.values() if value in told]
    story.check(
        say("De recruiter kreeg geen naam en geen e-mailadres", "The recruiter got no name and no e-mail address"),
        not found,
        ", ".join(found),
    )
    history = json.dumps(await student.wallet.history(), ensure_ascii=False)
    story.check(
        say("De student kan terugzien wat aan wie is getoond", "The student can see what was shown to whom"),
        stage.described["recruiter"]["name"] in history,
    )


def _tell_consent(stage: Stage, student: Student, request: dict[str, Any], asked: Sequence[str]) -> None:
    story, verifier = stage.story, request["verifier"]
    who, why = verifier["name"], purpose_text(request)
    story.tell(say(f"{student.name} ziet: {who} vraagt: {why}", f"{student.name} sees: {who} asks: {why}"))
    shown = [item for share in request["share"] for item in share["shown"]]
    for item in shown:
        story.tell(say("  zij zien: ", "  they see: ") + fact_text(item))
    story.tell(say("  zij zien niet: ", "  they do not see: ") + ", ".join(hidden_facts(request)))
    outcome = str(verifier["recognition"]["outcome"])
    story.check(
        say("De vrager is erkend", "Whoever asks is recognised"), outcome == "recognised", recognition_text(outcome)
    )
    story.check(
        say("De student heeft wat gevraagd wordt", "The student holds what is asked for"), bool(request["answerable"])
    )
    values = json.dumps(shown, ensure_ascii=False)
    story.check(
        say("Wat gedeeld wordt, bevat geen naam of e-mailadres", "What will be shared has no name or e-mail address"),
        not any(value in values for value in student.person.values()),
        say(f"{len(asked)} skills gevraagd", f"{len(asked)} skills asked"),
    )


async def look_at_the_bytes(stage: Stage) -> None:
    """The same answer once more, to somebody who wants it unencrypted and writes down every byte."""
    story, student, practice = stage.story, stage.students[0], stage.practice
    story.tell(
        say(
            "Nu dezelfde vraag van een partij die alles opschrijft wat de wallet stuurt:",
            "Now the same question from a party that writes down everything that the wallet sends:",
        )
    )
    question = await stage.strange.read_question((await stage.ask())["link"])
    request = await student.wallet.open_request(practice.ask(question.dcql_query))
    outcome = str(request["verifier"]["recognition"]["outcome"])
    story.check(
        say("De wallet waarschuwt: deze vrager staat op geen lijst", "The wallet warns: whoever asks is on no list"),
        outcome == "not_listed",
        recognition_text(outcome),
    )
    await student.wallet.accept_request(request["id"])
    sent = practice.received[-1]
    said = readable_parts(sent)
    count = count_disclosures(sent)
    story.tell(
        say(
            f"De wallet stuurde {len(sent)} bytes met {count} onthullingen; alles is uitgepakt en doorzocht.",
            f"The wallet sent {len(sent)} bytes with {count} disclosures; all was decoded and searched.",
        )
    )
    found = [value for value in student.person.values() if value.casefold() in said.casefold()]
    story.check(
        say(
            "Geen verstuurde byte bevat de naam of het e-mailadres", "No byte sent contains the name or e-mail address"
        ),
        not found,
        ", ".join(found),
    )
    asked = set(stage.described["recruiter"]["question"]["skills"])
    shown = {skill["uri"] for skill in stage.described["achievement"]["skills"] if skill["uri"] in said}
    story.check(
        say("Alleen de gevraagde skills zijn verstuurd", "Only the skills that were asked for were sent"),
        _skills_in(practice.presented()) == asked,
        f"{len(shown)}",
    )


async def look_at_the_logs(stage: Stage) -> None:
    """What the services wrote about all this: no names, no addresses, no codes."""
    logs = "".join(path.read_text(errors="replace") for path in stage.deployment.folder.glob("*.log"))
    secrets = [str(value) for student in stage.students for value in student.person.values()]
    secrets += [str(student.award["offer"]["tx_code"]) for student in stage.students]
    secrets += [student.passphrase for student in stage.students]
    found = [secret for secret in secrets if re.search(rf"\b{re.escape(secret)}\b", logs)]
    stage.story.check(
        say("In de logs staat geen naam, adres of code", "The logs hold no name, address or code"),
        not found,
        say(f"{len(logs.splitlines())} regels doorzocht", f"{len(logs.splitlines())} lines searched"),
    )


def _skills_in(vp_token: Mapping[str, Sequence[str]]) -> set[str]:
    """The skills that an answer discloses."""
    return {
        disclosure.value["targetUrl"]
        for shown in vp_token.values()
        for raw in shown
        for disclosure in parse_sd_jwt(raw).disclosures
        if isinstance(disclosure.value, dict) and "targetUrl" in disclosure.value
    }


_CHECKS: Mapping[str, Callable[[], str]] = {
    "format": lambda: say("Leesbaar als badge", "Readable as a badge"),
    "issuer_key": lambda: say("De sleutel is die van de uitgever", "The key is the issuer's"),
    "signature": lambda: say("Echt, en niet veranderd", "Authentic and unchanged"),
    "validity": lambda: say("Geldig op dit moment", "Valid at this moment"),
    "holder_binding": lambda: say("Van degene die hem laat zien", "Held by whoever shows it"),
    "status": lambda: say("Niet ingetrokken", "Not revoked"),
    "issuer_recognised": lambda: say("Van een erkende uitgever", "From a recognised issuer"),
    "query": lambda: say("Beantwoordt de vraag", "Answers the question"),
}
