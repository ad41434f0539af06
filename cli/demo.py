"""`skillswallet demo`: one badge lives its whole life between three services, over HTTP, and whatever must fail, fails.

It plays the people: staff of an organisation, three students, a recruiter, and somebody who cheats. It uses the
services' public interfaces only, and looks at what went over the wire and what lies in the databases.
"""

import asyncio
import contextlib
import json
import time
from collections.abc import Callable, Collection, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import segno

from cli.clients import IssuerClient, ProblemError, UnreachableError, VerifierClient, WalletClient
from cli.hostile import HeldBadge, PracticeParty, Server, StrangeWallet, count_disclosures, readable_parts
from cli.language import say
from cli.local import Deployment, Login, create_passphrase
from cli.processes import ServiceProcess, running, wait_until_ready
from cli.recipients import evidence_of, read_achievement, read_recipients
from cli.skills_commands import PROJECT, build_available_index
from cli.story import Story
from cli.terminal import out, waiting
from cli.trust_files import Entry, add_entry, create_list, sign_list
from cli.verifier_commands import FINAL_STATES, all_checks, outcome_text
from kernel.did import did_web
from kernel.errors import CredentialError
from kernel.formats import StatusReference
from kernel.keys import SoftwareSigner
from kernel.open_badges import CredentialDataset
from kernel.openid4vci import CredentialOffer
from kernel.sd_jwt import parse_sd_jwt
from runtime.clock import utc_now
from skills.skill import ESCO_NOTICE

INPUT = PROJECT / "demo"
ACHIEVEMENT_TYPE = "Badge"
OPEN_BADGE_TYPE = "https://purl.imsglobal.org/spec/vc/ob/vocab.html#OpenBadgeCredential"
_PATIENCE_SECONDS = 20.0


@dataclass(slots=True)
class Student:
    """A student: their wallet, what was offered to them and what they hold."""

    person: dict[str, Any]
    award: dict[str, Any]
    wallet: WalletClient
    account: str = ""
    passphrase: str = field(default="", repr=False)
    credential_ids: list[str] = field(default_factory=list)
    copied_offer: CredentialOffer | None = None
    """What somebody else read behind the link before the student took the offer."""

    @property
    def name(self) -> str:
        return str(self.person["given_name"])


@dataclass(slots=True)
class Stage:
    """Everybody who plays, and what they play with."""

    story: Story
    deployment: Deployment
    described: dict[str, Any]
    issuer: IssuerClient
    verifier: VerifierClient
    practice: PracticeParty
    strange: StrangeWallet
    students: list[Student] = field(default_factory=list)
    question_id: str = ""

    @property
    def organisation(self) -> str:
        return str(self.described["organisation"]["slug"])

    @property
    def achievement(self) -> str:
        return str(self.described["achievement"]["slug"])

    @property
    def recruiter(self) -> str:
        return str(self.described["recruiter"]["slug"])

    async def close_wallets(self) -> None:
        """Let go of every student's connection."""
        for student in self.students:
            await student.wallet.close()

    async def ask(self, **more: Any) -> dict[str, Any]:
        """The recruiter asks the saved question once more."""
        body = {"question_id": self.question_id, **more}
        started: dict[str, Any] = await self.verifier.start_presentation(self.recruiter, body)
        return started

    async def outcome(self, presentation_id: str) -> dict[str, Any]:
        """What the recruiter gets to see, once it is final."""
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            presentation: dict[str, Any] = await self.verifier.presentation(self.recruiter, presentation_id)
            if presentation["state"] in FINAL_STATES or time.monotonic() > deadline:
                return presentation
            await asyncio.sleep(0.1)

    async def award_stranger(self, organisation: str = "", achievement: str = "") -> tuple[dict[str, Any], HeldBadge]:
        """A badge in the wallet of somebody who is going to cheat with it."""
        person = {"given_name": "Vos", "family_name": "Reinaerde", "email": "vos@student.example"}
        [award] = await self.issuer.award(organisation or self.organisation, achievement or self.achievement, [person])
        return award, await self.strange.receive(award["offer"]["link"], award["offer"]["tx_code"])


def run_demo(folder: Path) -> int:
    """Play it all; 0 when every check went as it should, else 1. The services are always stopped at the end."""
    began = time.monotonic()
    story = Story(out)
    out.rule(say("Eén badge, zijn hele leven", "One badge, its whole life"))
    deployment = _set_up(story, folder)
    services = deployment.start()
    with running(services):
        with waiting(say("De drie diensten starten…", "Starting the three services…")):
            wait_until_ready(services)
        for service in services:
            story.tell(f"{service.name}: {service.address}")
        ready = time.monotonic()
        asyncio.run(_play(story, deployment, services))
        deployment.save()
        story.print_table()
        out.print(
            f"[dim]{say('Voorbereiding', 'Preparation')} {ready - began:.1f} s, "
            f"{say('het verhaal', 'the story')} {time.monotonic() - ready:.1f} s. {ESCO_NOTICE}[/dim]"
        )
        out.print(
            say(
                "Zelf rondkijken? Start: make up (of skillswallet up)",
                "Want to look around? Run: make up (or skillswallet up)",
            )
        )
    return 0 if story.all_held else 1


def print_logins(deployment: Deployment) -> None:
    """Where everybody can sign in, and with what."""
    out.print()
    for login in deployment.logins:
        out.print(f"[bold]{login.service}[/bold]  {login.address}", soft_wrap=True)
        out.print(f"   {say('naam', 'name')}: {login.name}   {say('wachtzin', 'passphrase')}: {login.passphrase}")
        if login.note:
            out.print(f"   [dim]{login.note}[/dim]")


def _set_up(story: Story, folder: Path) -> Deployment:
    story.step("0", say("Alles klaarzetten", "Getting ready"))
    deployment = Deployment.create(folder)
    story.tell(
        say(
            f"Map {deployment.folder}: instellingen om lokaal te proberen, met SQLite-bestanden, zelfgemaakte sleutels "
            "en http op dit apparaat alleen.",
            f"Folder {deployment.folder}: settings for trying things out, with SQLite files, secrets made on the spot "
            "and http on this machine only.",
        )
    )
    with waiting(say("Skills indexeren…", "Indexing the skills…")):
        summary, is_complete = build_available_index(deployment.skills_path)
    if is_complete:
        story.tell(
            say(
                f"{summary.skills} skills van ESCO zijn doorzoekbaar, {summary.dutch_labels} met een Nederlandse naam.",
                f"{summary.skills} ESCO skills can be searched, {summary.dutch_labels} of them with a Dutch name.",
            )
        )
    else:
        story.tell(
            say(
                f"De ESCO-bestanden zijn hier niet; alleen de {summary.skills} skills van deze demo zijn doorzoekbaar.",
                f"The ESCO files are not here; only the {summary.skills} skills of this demo can be searched.",
            )
        )
    return deployment


async def _play(story: Story, deployment: Deployment, services: Sequence[ServiceProcess]) -> None:
    described = json.loads((INPUT / "achievement.json").read_text(encoding="utf-8"))
    practice = PracticeParty(deployment.address("practice"), "oefenhogeschool", clock=utc_now)
    async with contextlib.AsyncExitStack() as stack:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=30.0, trust_env=False))
        await stack.enter_async_context(Server(practice, deployment.ports["practice"]))
        stage = Stage(
            story,
            deployment,
            described,
            IssuerClient(deployment.address("issuer"), key=deployment.admin_keys["issuer"]),
            VerifierClient(deployment.address("verifier"), key=deployment.admin_keys["verifier"]),
            practice,
            StrangeWallet(http, clock=utc_now),
        )
        stack.push_async_callback(stage.issuer.close)
        stack.push_async_callback(stage.verifier.close)
        stack.push_async_callback(stage.close_wallets)
        for part in (_describe, _recognise, _award, _receive, _show, _look_at_the_bytes):
            if not await _went_through(story, part(stage)):
                return
        await _fail_as_they_must(stage, next(service for service in services if service.name == "issuer"))


async def _went_through(story: Story, part: Coroutine[Any, Any, None]) -> bool:
    """Play a part; what breaks in it is a check that failed, and the table at the end is still made."""
    try:
        await part
    except (ProblemError, UnreachableError, CredentialError, httpx.HTTPError, LookupError) as exc:
        story.check(
            say("Dit liep anders dan bedoeld", "This went otherwise than meant"), False, f"{type(exc).__name__}: {exc}"
        )
        return False
    return True


# 1. The badge is described


async def _describe(stage: Stage) -> None:
    story, organisation = stage.story, stage.described["organisation"]
    story.step("1", say("De organisatie beschrijft de badge", "The organisation describes the badge"))
    await stage.issuer.create_organisation(organisation)
    story.tell(organisation["name"])
    achievement = await stage.issuer.create_achievement(
        stage.organisation, read_achievement(INPUT / "achievement.json")
    )
    story.tell(f"“{_text(achievement['name'])}”")
    for skill in stage.described["achievement"]["skills"]:
        story.tell(f"  • {_label(skill)}  {skill['uri']}")
    published = await _public_achievement(stage)
    story.check(
        say("De badge noemt ten minste vier ESCO-skills", "The badge names at least four ESCO skills"),
        len(achievement["skills"]) >= 4,
        len(achievement["skills"]),
    )
    story.check(
        say("Iedereen kan lezen waar de badge voor staat", "Anybody can read what the badge stands for"),
        published.status_code == 200,
        published.status_code,
    )
    passphrase = create_passphrase()
    email = f"medewerker@{stage.organisation}.example"
    await stage.issuer.create_operator(stage.organisation, email=email, name="Medewerker", passphrase=passphrase)
    address = f"{stage.deployment.address('issuer')}/back-office/{stage.organisation}"
    stage.deployment.logins.append(Login("issuer", email, passphrase, address))


async def _public_achievement(stage: Stage) -> httpx.Response:
    url = f"{stage.deployment.address('issuer')}/{stage.organisation}/achievements/{stage.achievement}"
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(url)


async def _recognise(stage: Stage) -> None:
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
    types = (deployment.badge_vct, OPEN_BADGE_TYPE)
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


async def _award(stage: Stage) -> None:
    story, award = stage.story, stage.described["award"]
    story.step("2", say("De organisatie reikt de badge uit", "The organisation awards the badge"))
    proof = award["evidence"]
    evidence = evidence_of(INPUT / proof["file"], name=proof["name"], description=proof["description"])
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


# 3. The badge is received


async def _receive(stage: Stage) -> None:
    story = stage.story
    story.step("3", say("Elke student ontvangt de badge", "Each student receives the badge"))
    for student in stage.students:
        await _receive_one(stage, student)
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
    story.check(say("De uitgever is erkend", "The issuer is recognised"), outcome == "recognised", outcome)
    kept = await student.wallet.accept_offer(offer["id"], tx_code=student.award["offer"]["tx_code"])
    student.credential_ids = [credential["id"] for credential in kept["credentials"]]
    states = [(await student.wallet.credential(number))["state"] for number in student.credential_ids]
    story.check(
        say(f"{student.name} heeft de badge, nagekeken en geldig", f"{student.name} has the badge, checked and valid"),
        bool(states) and set(states) == {"valid"},
        ", ".join(states),
    )


async def _open_wallet(student: Student) -> None:
    student.account = f"{student.name.lower()}-{student.person['family_name'].split()[-1].lower()}"
    student.passphrase = create_passphrase()
    await student.wallet.create_account(student.account, student.passphrase)
    await student.wallet.sign_in(student.account, student.passphrase)


def _words_in_database(stage: Stage, words: Sequence[str]) -> list[str]:
    """Which of these words can be read in the wallet's files as they lie on disk."""
    files = stage.deployment.folder.glob("wallet.sqlite3*")
    content = b"".join(path.read_bytes() for path in files)
    searched = [*words, _text(stage.described["achievement"]["name"])]
    # Accounts are found by name, so a first name that is part of an account name would be found there.
    return [word for word in searched if len(word) > 6 and word.encode() in content]


# 4. The badge is shown


async def _show(stage: Stage) -> None:
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
            "skills": [{"uri": skill["uri"], "name": _label(skill), "required": True} for skill in skills],
        },
    )
    stage.question_id = created["id"]
    started = await stage.ask()
    request = await student.wallet.open_request(started["link"])
    _tell_consent(stage, student, request, [skill["uri"] for skill in skills])
    await student.wallet.accept_request(request["id"])
    presentation = await stage.outcome(started["id"])
    report = presentation.get("report") or {}
    for code, (outcome, error_code) in _outcomes(report).items():
        story.check(_CHECKS[code](), outcome in {"passed", "not_applicable"}, error_code or outcome_text(outcome))
    story.check(
        say("De recruiter ziet: aanvaard", "The recruiter sees: accepted"),
        bool(report.get("accepted")),
        presentation["state"],
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


def _tell_consent(stage: Stage, student: Student, request: Mapping[str, Any], asked: Sequence[str]) -> None:
    story, verifier = stage.story, request["verifier"]
    story.tell(
        say(
            f"{student.name} ziet: {verifier['name']} vraagt: {request['purpose'] or '–'}",
            f"{student.name} sees: {verifier['name']} asks: {request['purpose'] or '–'}",
        )
    )
    shown = [item for share in request["share"] for item in share["shown"]]
    hidden = [item for share in request["share"] for item in share["hidden"]]
    for item in shown:
        story.tell(
            say(
                f"  zij zien:       {item['label']}: {item['value']}",
                f"  they see:        {item['label']}: {item['value']}",
            )
        )
    story.tell(say(f"  zij zien niet: {_join(hidden)}", f"  they do not see: {_join(hidden)}"))
    outcome = str(verifier["recognition"]["outcome"])
    story.check(say("De vrager is erkend", "Whoever asks is recognised"), outcome == "recognised", outcome)
    story.check(
        say("De student heeft wat gevraagd wordt", "The student holds what is asked for"), bool(request["answerable"])
    )
    values = json.dumps(shown, ensure_ascii=False)
    story.check(
        say("Wat gedeeld wordt, bevat geen naam of e-mailadres", "What will be shared has no name or e-mail address"),
        not any(value in values for value in student.person.values()),
        say(f"{len(asked)} skills gevraagd", f"{len(asked)} skills asked"),
    )


async def _look_at_the_bytes(stage: Stage) -> None:
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
        outcome,
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


def _skills_in(vp_token: Mapping[str, Sequence[str]]) -> set[str]:
    """The skills that an answer discloses."""
    return {
        disclosure.value["targetUrl"]
        for shown in vp_token.values()
        for raw in shown
        for disclosure in parse_sd_jwt(raw).disclosures
        if isinstance(disclosure.value, dict) and "targetUrl" in disclosure.value
    }


# 5. What must fail, fails


async def _fail_as_they_must(stage: Stage, issuer_process: ServiceProcess) -> None:
    stage.story.step("5", say("Wat niet mag, mislukt, met de reden", "What must fail, fails, with its reason"))
    award, badge = await stage.award_stranger()
    for part in (
        _accept_an_honest_stranger(stage, badge),
        _refuse_changed_disclosure(stage, badge),
        _refuse_the_same_twice(stage, badge),
        _refuse_what_was_made_for_another(stage, badge),
        _refuse_wrong_codes(stage),
        _refuse_a_second_redemption(stage),
        _refuse_unrecognised_issuer(stage),
        _refuse_revoked(stage, award, badge),
        _refuse_expired(stage),
        _leave_undecided(stage, issuer_process),
    ):
        await _went_through(stage.story, part)


async def _accept_an_honest_stranger(stage: Stage, badge: HeldBadge) -> None:
    """Otherwise what follows would prove nothing: the same wallet, behaving well, is accepted."""
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    report = (await stage.outcome(started["id"])).get("report") or {}
    stage.story.check(
        say(
            "Ter vergelijking: eerlijk gebruikt wordt deze badge aanvaard",
            "For comparison: used honestly, this badge is accepted",
        ),
        bool(report.get("accepted")),
    )


async def _refuse_changed_disclosure(stage: Stage, badge: HeldBadge) -> None:
    started = await stage.ask()
    question = await stage.strange.read_question(started["link"])
    honest = stage.strange.present(question, badge)
    altered = stage.strange.alter_disclosure(question, badge, honest, name="raketgeleerde / rocket scientist")
    answer = await stage.strange.post_answer(question, stage.strange.answer_form(question, altered))
    await _check_refusal(
        stage,
        say("Een veranderde skill wordt herkend", "A changed skill is noticed"),
        started,
        {"disclosure"},
        answer=answer,
    )


async def _refuse_the_same_twice(stage: Stage, badge: HeldBadge) -> None:
    started = await stage.ask()
    question = await stage.strange.read_question(started["link"])
    form = stage.strange.answer_form(question, stage.strange.present(question, badge))
    first = await stage.strange.post_answer(question, form)
    second = await stage.strange.post_answer(question, form)
    stage.story.check(
        say("Dezelfde presentatie nog eens wordt geweigerd", "The same presentation once more is refused"),
        (first.status_code, second.status_code) == (200, 400),
        f"{first.status_code}, {second.status_code} {second.json().get('error', '')}",
    )
    later = await stage.ask()
    new_question = await stage.strange.read_question(later["link"])
    old_answer = stage.strange.present(new_question, badge, nonce=question.nonce)
    answer = await stage.strange.post_answer(new_question, stage.strange.answer_form(new_question, old_answer))
    await _check_refusal(
        stage,
        say("Ook bij een volgende vraag helpt die presentatie niet", "Nor does it help with a later question"),
        later,
        {"nonce"},
        answer=answer,
    )


async def _refuse_what_was_made_for_another(stage: Stage, badge: HeldBadge) -> None:
    """The party that writes everything down passes the answer on to the recruiter, as if it were its own."""
    started = await stage.ask()
    question = await stage.strange.read_question(started["link"])
    student, practice = stage.students[0], stage.practice
    request = await student.wallet.open_request(practice.ask(question.dcql_query))
    await student.wallet.accept_request(request["id"])
    stolen = practice.presented()
    answer = await stage.strange.post_answer(question, stage.strange.answer_form(question, stolen))
    await _check_refusal(
        stage,
        say(
            "Een presentatie die voor een ander was, wordt geweigerd", "A presentation made for someone else is refused"
        ),
        started,
        {"audience"},
        answer=answer,
    )


async def _refuse_wrong_codes(stage: Stage) -> None:
    story, student = stage.story, stage.students[-1]
    person = {**student.person, "given_name": f"{student.name} (2)"}
    [award] = await stage.issuer.award(stage.organisation, stage.achievement, [person])
    right = str(award["offer"]["tx_code"])
    wrong = str((int(right) + 1) % 10 ** len(right)).zfill(len(right))
    copied = await stage.strange.read_offer(award["offer"]["link"])
    offer = await student.wallet.open_offer(award["offer"]["link"])
    seen = []
    for _ in range(5):
        try:
            await student.wallet.accept_offer(offer["id"], tx_code=wrong)
            seen.append("200")
        except ProblemError as exc:
            seen.append(exc.code)
    story.check(
        say("Vijf keer een verkeerde code: vijf keer nee", "A wrong code five times: five times no"),
        "200" not in seen and seen[0] == "tx_code",
        ", ".join(seen),
    )
    raw = await stage.strange.request_token(copied, right)
    story.check(
        say("Daarna helpt ook de goede code niet meer", "After that the right code does not help either"),
        raw.status_code == 400 and raw.json().get("error") == "invalid_grant",
        f"{raw.status_code} {raw.json().get('error', '')}",
    )


async def _refuse_a_second_redemption(stage: Stage) -> None:
    student = stage.students[0]
    if student.copied_offer is None:
        raise LookupError("nobody copied the offer")
    raw = await stage.strange.request_token(student.copied_offer, student.award["offer"]["tx_code"])
    stage.story.check(
        say("Een aanbod dat al is aangenomen, is op", "An offer that was taken is used up"),
        raw.status_code == 400 and raw.json().get("error") == "invalid_grant",
        f"{raw.status_code} {raw.json().get('error', '')}",
    )


async def _refuse_unrecognised_issuer(stage: Stage) -> None:
    story, unknown = stage.story, stage.described["unrecognised_organisation"]
    await stage.issuer.create_organisation(unknown)
    await stage.issuer.create_achievement(unknown["slug"], read_achievement(INPUT / "achievement.json"))
    _, badge = await stage.award_stranger(unknown["slug"])
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await _check_refusal(
        stage,
        say(
            f"Een badge van {unknown['name']}: echt, maar niet erkend",
            f"A badge of {unknown['name']}: genuine, not recognised",
        ),
        started,
        {"issuer"},
        passed={"signature", "validity", "holder_binding"},
    )
    story.tell(say("  (echt en erkend zijn twee antwoorden)", "  (genuine and recognised are two answers)"))


async def _refuse_revoked(stage: Stage, award: Mapping[str, Any], badge: HeldBadge) -> None:
    story, student = stage.story, stage.students[1]
    reason = say("Rapport bleek van een ander", "The report turned out to be somebody else's")
    for number in (award["id"], student.award["id"]):
        await stage.issuer.change_status(stage.organisation, number, "revoke", reason)
    await asyncio.sleep(1.1)  # as long as a verifier may keep the old status list
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await _check_refusal(
        stage,
        say("Een ingetrokken badge wordt niet aanvaard", "A revoked badge is not accepted"),
        started,
        {"revoked"},
        passed={"signature"},
    )
    state = (await student.wallet.credential(student.credential_ids[0]))["state"]
    story.check(
        say(f"{student.name} ziet in de wallet: ingetrokken", f"{student.name} sees in the wallet: revoked"),
        state == "revoked",
        state,
    )


async def _refuse_expired(stage: Stage) -> None:
    now = utc_now()
    badge = _practice_badge(stage, issued_at=now - timedelta(days=400), expires_at=now - timedelta(days=35))
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await _check_refusal(
        stage,
        say("Een verlopen badge wordt niet aanvaard", "An expired badge is not accepted"),
        started,
        {"expired"},
        passed={"signature", "issuer_recognised"},
    )


async def _leave_undecided(stage: Stage, issuer_process: ServiceProcess) -> None:
    """The issuer is switched off: what cannot be checked is not valid, and not invalid either."""
    story, student = stage.story, stage.students[2]
    dead = f"{stage.practice.identifier}/nothing-here"
    badge = _practice_badge(
        stage, issued_at=utc_now() - timedelta(days=1), expires_at=None, status=StatusReference(dead, 7)
    )
    started = await stage.ask()
    await stage.strange.answer(started["link"], badge)
    await _check_refusal(
        stage,
        say(
            "Een statuslijst die er niet is: niet na te kijken", "A status list that is not there: could not be checked"
        ),
        started,
        {"undecided"},
        passed={"signature", "validity", "issuer_recognised"},
        outcome="unknown",
    )
    issuer_process.stop()
    story.tell(say("De dienst van de uitgever gaat nu uit.", "The issuer's service is switched off now."))
    await asyncio.sleep(1.1)
    started = await stage.ask()
    request = await student.wallet.open_request(started["link"])
    await student.wallet.accept_request(request["id"])
    await _check_refusal(
        stage,
        say("De uitgever antwoordt niet: “kon niet worden nagekeken”, nooit “geldig”",
            "The issuer does not answer: “could not be checked”, never “valid”"),
        started,
        {"undecided"},
        passed={"signature", "holder_binding"},
        outcome="unknown",
    )  # fmt: skip
    state = (await student.wallet.credential(student.credential_ids[0]))["state"]
    story.check(
        say(f"Ook {student.name} ziet: kon niet worden nagekeken", f"{student.name} too sees: could not be checked"),
        state == "unknown",
        state,
    )


def _practice_badge(
    stage: Stage, *, issued_at: datetime, expires_at: datetime | None, status: StatusReference | None = None
) -> HeldBadge:
    """A badge of the recognised practice school, with whatever dates and status are wanted."""
    holder = SoftwareSigner.generate("ES256")
    described = read_achievement(INPUT / "achievement.json")
    achievement = {
        "id": f"{stage.practice.identifier}/achievements/adviseur",
        "type": ["Achievement"],
        "achievementType": ACHIEVEMENT_TYPE,
        "name": described["name"]["nl"],
        "description": described["description"]["nl"],
        "criteria": {"narrative": described["criteria"]["nl"]},
        "alignment": [
            {"type": ["Alignment"], "targetName": skill["name"], "targetUrl": skill["uri"], "targetFramework": "ESCO"}
            for skill in described["skills"]
        ],
    }
    dataset = CredentialDataset(
        achievement=achievement,
        issuer_profile={"id": stage.practice.did, "type": ["Profile"], "name": "Oefenhogeschool"},
        person={},
        issuing_authority="Oefenhogeschool",
        credential_id=f"{stage.practice.identifier}/credentials/1",
        awarded_at=issued_at,
    )
    raw = stage.practice.issue(
        dataset,
        holder_key=holder.public_key,
        type_id=stage.deployment.badge_vct,
        issued_at=issued_at,
        expires_at=expires_at,
        status=status,
    )
    return HeldBadge(raw, holder)


async def _check_refusal(
    stage: Stage,
    sentence: str,
    started: Mapping[str, Any],
    codes: set[str],
    *,
    passed: Collection[str] = (),
    outcome: str = "failed",
    answer: httpx.Response | None = None,
) -> None:
    """The recruiter must not accept it, for this reason, while these other checks hold."""
    presentation = await stage.outcome(started["id"])
    report = presentation.get("report") or {}
    outcomes = _outcomes(report)
    reasons = {error for found, error in outcomes.values() if found == outcome and error}
    held = {code for code, (found, _) in outcomes.items() if found == "passed"}
    is_refused = not report.get("accepted", False) and bool(reasons & codes) and held.issuperset(passed)
    if answer is not None:
        is_refused = is_refused and answer.status_code == 400
    seen = ", ".join(sorted(reasons & codes or reasons)) or presentation["state"]
    stage.story.check(sentence, is_refused, seen)


def _outcomes(report: Mapping[str, Any]) -> dict[str, tuple[str, str | None]]:
    """How each check ended over all shown badges; the worst counts."""
    worst_first = ("failed", "unknown", "passed", "not_applicable")
    found: dict[str, tuple[str, str | None]] = {}
    for check in all_checks(dict(report)) if report else []:
        known = found.get(check["code"])
        if known is None or worst_first.index(check["outcome"]) < worst_first.index(known[0]):
            found[check["code"]] = (check["outcome"], check.get("error_code"))
    return found


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


def _label(skill: Mapping[str, Any]) -> str:
    labels = skill["labels"]
    return str(labels.get(say("nl", "en")) or next(iter(labels.values())))


def _text(value: Any) -> str:
    return str(value.get(say("nl", "en")) or next(iter(value.values()))) if isinstance(value, dict) else str(value)


def _join(items: Sequence[Any]) -> str:
    return ", ".join(dict.fromkeys(str(item["label"]) for item in items))
