"""Every page of the three services in the states in which people meet it, judged by a machine where it can judge.

Each page is looked at on a phone, on a desk, at 320 pixels and with text of twice the size (WCAG 2.2 §1.4.4, §1.4.10):
nothing sticks out, there is one first heading, headings skip no level, the title names the page, what can be touched
is large enough (our own measure, 44 pixels; WCAG asks for 24 in §2.5.8), every error stands beside its field and is
linked to it, and at most one action is the main one; axe-core judges the rest, in light and in dark. Pictures are kept
in test-artefacts/browser/every-page.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from cli.clients import IssuerClient, VerifierClient
from kernel.data_integrity import add_proof
from kernel.did import did_key
from kernel.endorsement import create_endorsement
from kernel.keys import SoftwareSigner
from kernel.microcredential import create_microcredential_badge
from kernel.open_badges import format_date_time
from kernel.open_badges_api import SCOPES
from runtime.clock import utc_now
from tests.browser.conftest import ARTEFACTS, RECRUITER, SCHOOL, Person, Town, run, serving
from tests.kernel.test_importing import SIGNED_BADGE
from tests.support.measured import SAID, microcredential, with_skills
from tests.support.microcredentials import FULL
from tests.support.simulated_badge_platform import SimulatedBadgePlatform
from tests.support.simulated_consumer import SimulatedConsumer

pytestmark = [pytest.mark.browser, pytest.mark.loopback, pytest.mark.slow]

PASSPHRASE = "vier losse woorden zonder zin"
ESCO = "http://data.europa.eu/esco/skill/"
HRM, REPORTING = f"{ESCO}e437eba1-3e22-41f2-8703-741e94785cba", f"{ESCO}c544a9f3-5945-4b54-afed-de0697852817"
ADVISING, PROCESSES = f"{ESCO}1212ac42-2564-4fce-80e1-6ce4ea4d9bf5", f"{ESCO}56042303-972b-41be-9310-58467599ff7e"
STRANGER = {"slug": "diploma-direct", "name": "Diploma Direct", "country": "NL"}
LONG = "Arbeidsongeschiktheidsverzekeringsdeskundige voor de regio Maas en Waal en omstreken, met verdieping"

# What a page must hold to, measured in the page itself; each gives what is wrong, in words that find the place.
JUDGE = """() => {
  const seen = (e) => e.checkVisibility({ visibilityProperty: true }) && !e.closest('.visually-hidden, .skip');
  const say = (e) => e.outerHTML.replace(/\\s+/g, ' ').slice(0, 140);
  const wrong = [];
  if (document.querySelectorAll('h1').length !== 1) wrong.push('not one h1');
  let level = 0;
  for (const heading of document.querySelectorAll('main :is(h1, h2, h3, h4)')) {
    const next = Number(heading.tagName[1]);
    if (next > level + 1) wrong.push(`heading skips a level: ${say(heading)}`);
    level = next;
  }
  if (!/\\S.* · \\S/.test(document.title)) wrong.push(`title: ${document.title}`);
  const main = [...document.querySelectorAll('main .button.main')].filter(seen);
  if (main.length > 1) wrong.push(`more than one main action: ${main.map(say)}`);
  for (const error of document.querySelectorAll('.error')) {
    const field = document.querySelector(`[aria-describedby~="${error.id}"][aria-invalid="true"]`);
    if (!error.id || !field) wrong.push(`error without field: ${say(error)}`);
  }
  for (const link of document.querySelectorAll('#error-summary a'))
    if (!document.querySelector(link.hash)) wrong.push(`summary leads nowhere: ${say(link)}`);
  const touched = 'a.button, button, summary, select, textarea, input:not([type=hidden])';
  for (const target of document.querySelectorAll(touched)) {
    if (!seen(target)) continue;
    const tick = target.closest('.tick');
    const { width, height } = (tick ?? target).getBoundingClientRect();
    if (width < 44 || height < 43.5) wrong.push(`too small (${width} x ${height}): ${say(target)}`);
  }
  for (const link of document.querySelectorAll('header a, .places a, main a')) {
    if (!seen(link) || link.textContent.trim() !== link.parentElement.textContent.trim()) continue;
    const { width, height } = link.getBoundingClientRect();
    if (height < 24) wrong.push(`too small (${width} x ${height}): ${say(link)}`);
  }
  return wrong;
}"""

# What sticks out of the page to the right, the innermost elements only.
OVERFLOW = """() => {
  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= wide) return [];
  const right = (e) => e.getBoundingClientRect().right;
  const out = [...document.querySelectorAll('body :not(.scroll *)')].filter((e) => right(e) > wide + 1);
  const innermost = out.filter((e) => !out.some((other) => e !== other && e.contains(other)));
  return innermost.slice(0, 3).map((e) => e.outerHTML.slice(0, 140));
}"""

# Who reads English here likes it dark, so that the contrast of both schemes is judged.
READERS: dict[str, dict[str, str]] = {
    "nl": {"locale": "nl-NL", "color_scheme": "light"},
    "en": {"locale": "en-GB", "color_scheme": "dark"},
}
GRAVE = {"serious", "critical"}
PICTURED = {"phone", "desk"}
VIEWS = {"phone": (390, 844, 100), "desk": (1280, 800, 100), "narrow": (320, 700, 100), "twice": (640, 800, 200)}


@dataclass
class Tour:
    """One person's walk past the pages, and what was wrong on the way."""

    person: Person
    language: str
    wrong: list[str] = field(default_factory=list)

    @property
    def page(self) -> Page:
        return self.person.page

    def open(self, url: str, title: str) -> None:
        self.page.goto(url)
        self.look(title)

    def press(self, selector: str) -> None:
        self.page.locator(selector).first.click()
        self.page.wait_for_load_state()

    def fill(self, **values: str) -> None:
        for name, text in values.items():
            self.page.locator(f"[name={name}]").first.fill(text)

    def open_details(self) -> None:
        """Everything that waits behind a click."""
        self.page.locator("details").evaluate_all("all => all.forEach((each) => { each.open = true })")

    def look(self, title: str) -> None:
        """Judge the page in every view, and keep a picture of it in those that people use most."""
        assert self.page.evaluate("document.documentElement.lang") == self.language, title
        folder = ARTEFACTS / "every-page"
        folder.mkdir(parents=True, exist_ok=True)
        for view, (width, height, text_size) in VIEWS.items():
            self.page.set_viewport_size({"width": width, "height": height})
            self.page.evaluate(f"document.documentElement.style.fontSize = '{text_size}%'")
            where = f"{title} ({view})"
            self.wrong += [f"{where}: sticks out: {each}" for each in self.page.evaluate(OVERFLOW)]
            if view in PICTURED:
                self.wrong += [f"{where}: {each}" for each in self.page.evaluate(JUDGE)]
                if self.language == "nl":
                    self.page.screenshot(path=folder / f"{title}-{view}.png", full_page=True)
        self.page.evaluate("document.documentElement.style.fontSize = ''")
        self.page.set_viewport_size({"width": 390, "height": 844})
        self._judge_by_axe(title)

    def _judge_by_axe(self, title: str) -> None:
        grave = [each for each in Axe().run(self.page).response["violations"] if each["impact"] in GRAVE]
        self.wrong += [f"{title}: {each['id']}: {each['nodes'][0]['html'][:140]}" for each in grave]


Walk = Callable[[str, str], Tour]


@pytest.fixture
def walk(person: Callable[..., Person]) -> Iterator[Walk]:
    """Somebody who looks at pages: `walk("holder", "nl")`. What was wrong is told at the end, all at once."""
    tours: list[Tour] = []

    def begin(name: str, language: str) -> Tour:
        tours.append(Tour(person(name, "phone", **READERS[language]), language))
        return tours[-1]

    yield begin
    wrong = [each for tour in tours for each in tour.wrong]
    assert not wrong, "\n".join(wrong)


@pytest.fixture(scope="module", autouse=True)
def _stranger(town: Town) -> None:
    """An organisation that no trust list names."""

    async def create() -> None:
        async with IssuerClient(town.url("issuer", ""), key=town.deployment.admin_keys["issuer"]) as issuer:
            await issuer.create_organisation(STRANGER)

    run(create())


async def award(
    town: Town,
    name: str,
    *skills: str,
    org: str = SCHOOL["slug"],
    describes: Mapping[str, Any] | None = None,
    says: Mapping[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """A badge of this name for one person; gives the award with its invitation.

    `describes`: what else its description says; `says`: what else the award says of the person.
    """
    slug = re.sub("[^a-z0-9]+", "-", name.lower()).strip("-")[:60]
    described = {
        "slug": slug,
        "name": {"nl": name, "en": f"{name} (English)"},
        "description": {"nl": "Onderzocht bij een bedrijf hoe mensen worden geworven, ingewerkt en opgeleid."},
        "criteria": {"nl": "Een adviesrapport, besproken met de directie en beoordeeld door twee mensen."},
        "assessment": {"nl": "Een docent en een begeleider keken, met hetzelfde formulier."},
        "achievement_type": "Badge",
        "skills": [{"uri": uri, "name": "skill", "framework": "ESCO"} for uri in skills],
        **(describes or {}),
    }
    person = {"given_name": "Sanne", "family_name": "Verhoeven", "email": "sanne.verhoeven@student.example"}
    person |= says or {}
    async with IssuerClient(town.url("issuer", ""), key=town.deployment.admin_keys["issuer"]) as issuer:
        if slug not in {each["slug"] for each in (await issuer.achievements(org))["achievements"]}:
            await issuer.create_achievement(org, described)
        [made] = await issuer.award(org, slug, [person], **more)
    return made


async def change_status(town: Town, award_id: str, change: str) -> None:
    async with IssuerClient(town.url("issuer", ""), key=town.deployment.admin_keys["issuer"]) as issuer:
        await issuer.change_status(SCHOOL["slug"], award_id, change, "Per vergissing uitgereikt")


async def create_question(town: Town, title: str, *skills: str) -> str:
    body = {
        "title": title,
        "purpose": "Voor de vacature Junior HR-adviseur willen wij weten of u deze skills hebt bewezen.",
        "skills": [{"uri": uri} for uri in skills],
    }
    async with VerifierClient(town.url("verifier", ""), key=town.deployment.admin_keys["verifier"]) as verifier:
        made = await verifier.create_question(RECRUITER["slug"], body)
    return str(made["id"])


def sign_up(holder: Tour, town: Town, name: str) -> None:
    holder.page.goto(town.url("wallet", "/sign-up"))
    holder.fill(name=name, passphrase=PASSPHRASE)
    holder.press("main form .button.main")


def receive(holder: Tour, made: dict[str, Any]) -> None:
    holder.page.goto(made["offer"]["wallet_link"])
    holder.fill(tx_code=made["offer"]["tx_code"])
    holder.press("button[form=accept]")
    expect(holder.page).to_have_url(re.compile("/badges"))


def sign_in(staff: Tour, town: Town, service: str, account: tuple[str, str]) -> None:
    staff.page.goto(town.url(service, "/sign-in"))
    staff.fill(email=account[0], passphrase=account[1])
    staff.press("main form .button.main")
    expect(staff.page).to_have_url(re.compile("/back-office/"))


def begin_answer(holder: Tour, recruiter: Tour) -> None:
    """The recruiter asks on the screen, the holder opens the question."""
    recruiter.press("form[action$='/ask'] button")
    holder.page.goto(wallet_link(recruiter))


def wallet_link(recruiter: Tour) -> str:
    link = recruiter.page.locator("a[href*='/open?']").first.get_attribute("href")
    assert link
    return link


both_languages = pytest.mark.parametrize("language", ["nl", "en"])


@both_languages
def test_the_wallet_before_the_first_badge(town: Town, walk: Walk, language: str) -> None:
    holder, name = walk("holder", language), f"sanne-{language}"

    def wallet(path: str) -> str:
        return town.url("wallet", path)

    holder.open(wallet("/"), "wallet-front")
    holder.open(wallet("/sign-in"), "wallet-sign-in")
    holder.fill(name="niemand", passphrase="verkeerd verkeerd verkeerd")
    holder.press("main form .button.main")
    holder.look("wallet-sign-in-wrong")
    holder.open(wallet("/recover"), "wallet-recover")
    holder.fill(name="niemand", recovery_code="AAAA-BBBB", passphrase=PASSPHRASE)
    holder.press("main form .button.main")
    holder.look("wallet-recover-wrong")
    holder.open(wallet("/sign-up"), "wallet-sign-up")
    holder.page.locator("[name=passphrase]").evaluate("e => e.removeAttribute('minlength')")
    holder.fill(name=name, passphrase="kort")
    holder.press("main form .button.main")
    holder.look("wallet-sign-up-wrong")
    holder.fill(name=name, passphrase=PASSPHRASE)
    holder.press("main form .button.main")
    holder.look("wallet-recovery-code")
    for path in ("badges", "skills", "shared", "me", "scan"):
        holder.open(wallet(f"/{path}"), f"wallet-empty-{path}")
    holder.open(wallet("/together"), "wallet-together-empty")
    holder.page.goto(wallet("/scan"))
    holder.fill(link="geen link")
    holder.press("#link-form .button")
    holder.look("wallet-scan-wrong")
    holder.open(wallet("/badges/bestaat-niet"), "wallet-lost-badge")
    holder.open(wallet("/nergens"), "wallet-lost")
    holder.open(wallet("/me/erase"), "wallet-erase")
    holder.fill(passphrase="verkeerd")
    holder.press("form[action='/me/erase'] .button.main")
    holder.look("wallet-erase-wrong")
    for _ in range(9):
        holder.page.goto(wallet("/sign-in"))
        holder.fill(name=name, passphrase="verkeerd verkeerd verkeerd")
        holder.press("main form .button.main")
    holder.look("wallet-sign-in-locked")


@both_languages
def test_the_wallet_with_badges_in_every_state(town: Town, walk: Walk, language: str) -> None:
    holder = walk("holder", language)

    def wallet(path: str) -> str:
        return town.url("wallet", path)

    sign_up(holder, town, f"mo-{language}")
    first = run(award(town, "Adviseur Lerende Regio", HRM, ADVISING, PROCESSES, REPORTING))
    holder.open(first["offer"]["wallet_link"], "wallet-offer")
    holder.fill(tx_code="000000" if first["offer"]["tx_code"] != "000000" else "111111")
    holder.press("button[form=accept]")
    holder.look("wallet-offer-wrong-code")
    holder.fill(tx_code=first["offer"]["tx_code"])
    holder.press("button[form=accept]")
    expect(holder.page).to_have_url(re.compile("/badges"))
    holder.look("wallet-badge")
    holder.open_details()
    holder.look("wallet-badge-open")
    holder.open(wallet("/badges"), "wallet-one-badge")
    holder.open(wallet("/together"), "wallet-together")
    holder.press("main form .button.main")
    holder.look("wallet-together-wrong")
    holder.open(first["offer"]["wallet_link"], "wallet-offer-used")
    holder.page.goto(wallet("/badges"))
    holder.press("a.card.badge")
    holder.page.goto(holder.page.url + "/delete")
    holder.look("wallet-delete")

    briefly = (utc_now() + timedelta(seconds=15)).isoformat()
    receive(holder, run(award(town, "Heftruck rijden", PROCESSES, expires_at=briefly)))
    lapsing = holder.page.url
    changed = {"suspend": "Gesprekken voeren", "revoke": "Lassen"}
    for change, name in changed.items():
        made = run(award(town, name, ADVISING))
        receive(holder, made)
        run(change_status(town, made["id"], change))
    stranger = run(award(town, "Expert in alles", HRM, org=STRANGER["slug"]))
    holder.open(stranger["offer"]["wallet_link"], "wallet-offer-unrecognised")
    receive(holder, stranger)
    holder.look("wallet-badge-unrecognised")
    soon = (utc_now() + timedelta(days=20)).isoformat()
    receive(holder, run(award(town, "Veilig werken", PROCESSES, expires_at=soon)))
    holder.look("wallet-badge-expiring")
    receive(holder, run(award(town, LONG, PROCESSES)))
    holder.look("wallet-badge-long-name")
    for change, name in changed.items():
        holder.page.goto(wallet("/badges"))
        holder.page.locator("a.card.badge").filter(has_text=name).click()
        holder.look(f"wallet-badge-{change}")
    holder.page.goto(lapsing)
    for _ in range(100):
        if holder.page.locator(".notice.bad").count():
            break
        holder.page.reload()
    holder.look("wallet-badge-expired")
    for path in ("badges", "skills", "shared", "me"):
        holder.open(wallet(f"/{path}"), f"wallet-many-{path}")
    holder.page.locator("details:has([name=old]) > summary").click()
    holder.fill(old="verkeerd", new="een nieuwe wachtzin met woorden")
    holder.press("form[action='/me/passphrase'] .button")
    holder.look("wallet-me-wrong")


@both_languages
def test_S08_what_somebody_says_of_themselves(town: Town, walk: Walk, language: str) -> None:
    """Looked up, in own words, said wrongly, beside what a badge shows, and on a page of its own."""
    holder = walk("holder", language)

    def wallet(path: str) -> str:
        return town.url("wallet", path)

    sign_up(holder, town, f"noor-{language}")
    holder.open(wallet("/skills/add"), "wallet-claim")
    holder.press("main form .button.main")
    holder.look("wallet-claim-wrong")
    holder.fill(words="personeel" if language == "nl" else "human")
    holder.press("main form .button.main")
    holder.look("wallet-claim-found")
    holder.press("main form .button.main")
    holder.look("wallet-claim-none-chosen")
    holder.page.locator(f"input[value='{HRM}']").check()
    holder.fill(learned="Bij de voetbalclub: elk jaar zocht en begeleidde ik de trainers.")
    holder.press("main form .button.main")
    expect(holder.page).to_have_url(wallet("/skills"))
    holder.look("wallet-claimed-only")
    holder.page.goto(wallet("/skills/add"))
    holder.fill(words=LONG)
    holder.press("main form .button.main")
    holder.look("wallet-claim-own-words")
    holder.press("main form .button.main")
    receive(holder, run(award(town, "Adviseur", HRM, ADVISING)))
    holder.open(wallet("/skills"), "wallet-claimed-and-attested")
    holder.press("main .claimed a")
    holder.look("wallet-claimed-skill")
    holder.press("button.bad")
    expect(holder.page.locator(".claimed li")).to_have_count(1)


@both_languages
def test_V43_the_page_on_which_a_system_is_connected(town: Town, walk: Walk, language: str) -> None:
    """In each state: none yet, a wrong address, its secret, messages that did not arrive, and taken away again."""
    recruiter = walk("recruiter", language)
    connections = town.url("verifier", f"/back-office/{RECRUITER['slug']}/connections")
    sign_in(recruiter, town, "verifier", town.recruiter)
    recruiter.open(connections, "verifier-connections")
    recruiter.fill(url="geen adres")
    recruiter.press("form[action$='/webhook'] .button.main")
    recruiter.look("verifier-connections-wrong")
    # It answers, and takes no message.
    recruiter.fill(url=town.url("verifier", "/health"))
    recruiter.press("form[action$='/webhook'] .button.main")
    expect(recruiter.page.locator("code", has_text="whsec_")).to_be_visible()
    recruiter.look("verifier-connections-secret")
    recruiter.page.goto(connections)
    recruiter.press("form[action$='/webhook/test'] .button")
    expect(recruiter.page.locator("#deliveries")).to_be_visible()
    recruiter.open_details()
    recruiter.look("verifier-connections-messages")
    recruiter.press("form[action$='/webhook/delete'] .button")
    expect(recruiter.page.locator("form[action$='/webhook/delete']")).to_have_count(0)


@both_languages
def test_the_pages_on_which_a_badge_is_asked_for_and_judged(town: Town, walk: Walk, language: str) -> None:
    """Both sides of one question after another: the recruiter's screen and the holder's wallet."""
    holder, recruiter, candidate = (walk(name, language) for name in ("holder", "recruiter", "candidate"))
    office = town.url("verifier", f"/back-office/{RECRUITER['slug']}")
    sign_up(holder, town, f"femke-{language}")
    sign_in(recruiter, town, "verifier", town.recruiter)
    both = run(create_question(town, "Junior HR-adviseur", HRM, REPORTING))
    one = run(create_question(town, "Adviseur personeel", ADVISING))

    # Nothing to show yet.
    recruiter.open(f"{office}/questions/{one}", "verifier-question")
    begin_answer(holder, recruiter)
    recruiter.look("verifier-waiting-operator")
    holder.look("wallet-question-no-match")
    holder.press("button[form=decline], form#decline button, main .choice button")
    holder.look("wallet-declined")
    expect(recruiter.page.locator(".big-code")).to_have_count(0, timeout=60_000)
    recruiter.look("verifier-answer-refused")

    # One badge, then two to choose from.
    first = run(award(town, "Adviseur Lerende Regio", HRM, ADVISING, PROCESSES, REPORTING))
    receive(holder, first)
    recruiter.page.goto(f"{office}/questions/{both}")
    begin_answer(holder, recruiter)
    holder.look("wallet-question")
    question = holder.page.url
    holder.press("button[form=accept]")
    holder.look("wallet-shared")
    holder.open(question, "wallet-question-answered")
    expect(recruiter.page.locator("table")).to_be_visible(timeout=60_000)
    recruiter.look("verifier-answer-accepted")
    second = run(award(town, "Personeel en organisatie", HRM))
    receive(holder, second)
    recruiter.page.goto(f"{office}/questions/{both}")
    begin_answer(holder, recruiter)
    holder.look("wallet-question-choose")
    holder.press("button[form=accept]")
    holder.page.goto(holder.page.url)
    holder.page.goto(town.url("wallet", "/shared"))
    holder.look("wallet-history")

    # Revoked between two questions, and an issuer whom nobody knows.
    run(change_status(town, first["id"], "revoke"))
    recruiter.page.goto(f"{office}/questions/{one}")
    begin_answer(holder, recruiter)
    holder.look("wallet-question-revoked")
    holder.press("button[form=accept]")
    expect(recruiter.page.locator("table")).to_be_visible(timeout=60_000)
    recruiter.look("verifier-answer-failed")
    stranger = walk("stranger", language)
    sign_up(stranger, town, f"vreemd-{language}")
    receive(stranger, run(award(town, "Expert in advies", ADVISING, org=STRANGER["slug"])))
    recruiter.page.goto(f"{office}/questions/{one}")
    begin_answer(stranger, recruiter)
    stranger.press("button[form=accept]")
    expect(recruiter.page.locator("table")).to_be_visible(timeout=60_000)
    recruiter.look("verifier-answer-unrecognised")
    recruiter.open(f"{office}/answers", "verifier-answers")
    recruiter.open(f"{office}/questions", "verifier-questions")

    # A candidate with the link of a vacancy.
    candidate.open(town.url("verifier", f"/ask/{RECRUITER['slug']}/{both}"), "verifier-ask")
    candidate.press("button[value=cross_device]")
    candidate.look("verifier-asked-cross-device")
    stranger.page.goto(town.url("verifier", f"/ask/{RECRUITER['slug']}/{one}"))
    stranger.press("button[value=same_device]")
    stranger.look("verifier-asked-same-device")
    stranger.page.goto(wallet_link(stranger))
    stranger.press("button[form=accept]")
    expect(stranger.page).to_have_url(re.compile("/result/"), timeout=60_000)
    stranger.look("verifier-result")


@both_languages
def test_a_microcredential_with_results_at_each_of_the_three(town: Town, walk: Walk, language: str) -> None:
    """Where it was awarded, where it is kept, and where it was shown whole."""
    staff, holder, recruiter = (walk(name, language) for name in ("staff", "holder", "recruiter"))
    described = microcredential([(uri, "skill") for uri in (HRM, ADVISING, PROCESSES)])
    described["result_descriptions"][0] = with_skills("goed", HRM, ADVISING)
    made = run(award(town, "Onderzoekend adviseren", HRM, ADVISING, PROCESSES, describes=described, says=SAID))
    sign_in(staff, town, "issuer", town.staff)
    staff.open(town.url("issuer", f"/back-office/{SCHOOL['slug']}/awards/{made['id']}"), "issuer-microcredential")
    staff.page.goto(town.url("issuer", f"/back-office/{SCHOOL['slug']}/achievements/onderzoekend-adviseren/change"))
    staff.open_details()
    staff.look("issuer-change-levels")
    staff.open(
        town.url("issuer", f"/{SCHOOL['slug']}/achievements/onderzoekend-adviseren"), "issuer-public-microcredential"
    )
    sign_up(holder, town, f"onderzoeker-{language}")
    receive(holder, made)
    holder.look("wallet-microcredential")
    sign_in(recruiter, town, "verifier", town.recruiter)
    asked = run(create_question(town, "Onderzoeker", ADVISING))
    recruiter.page.goto(town.url("verifier", f"/back-office/{RECRUITER['slug']}/questions/{asked}"))
    begin_answer(holder, recruiter)
    holder.open_details()
    holder.look("wallet-request-microcredential")
    holder.press("button[form=accept]")
    expect(recruiter.page.locator("table")).to_be_visible(timeout=60_000)
    recruiter.look("verifier-answer-microcredential")


@both_languages
def test_the_office_of_the_verifier(town: Town, walk: Walk, language: str) -> None:
    recruiter = walk("recruiter", language)
    recruiter.open(town.url("verifier"), "verifier-front")
    recruiter.open(town.url("verifier", "/sign-in"), "verifier-sign-in")
    recruiter.fill(email="niemand@bedrijf.example", passphrase="verkeerd")
    recruiter.press("main form .button.main")
    recruiter.look("verifier-sign-in-wrong")
    recruiter.open(town.url("verifier", "/nergens"), "verifier-lost")
    recruiter.open(town.url("verifier", "/result"), "verifier-result-by-hand")
    recruiter.page.locator("[name=response_code]").fill("https://x.example/#response_code=onbekend")
    recruiter.press("main form .button.main")
    recruiter.look("verifier-result-foreign")
    empty = run(create_office(town, f"leeg-{language}"))
    sign_in(recruiter, town, "verifier", empty)
    office = recruiter.page.url.removesuffix("/questions")
    recruiter.look("verifier-empty-questions")
    recruiter.open(f"{office}/answers", "verifier-empty-answers")
    recruiter.open(f"{office}/questions/new", "verifier-new-question")
    recruiter.press("button[value=save]")
    recruiter.look("verifier-new-question-wrong")
    recruiter.fill(title="HR-adviseur", purpose="Om te kijken of u past bij deze vacature.", q="personeelsbel")
    recruiter.press("button[value=search]")
    recruiter.look("verifier-new-question-found")
    recruiter.page.locator("[name=csrf_token]").first.evaluate("e => { e.value = 'oud' }")
    recruiter.press("button[value=save]")
    recruiter.look("verifier-form-expired")
    recruiter.open(f"{office}/connections", "verifier-connections-empty")
    recruiter.fill(url="http://127.0.0.1/x")
    recruiter.press("form[action$='/webhook'] .button.main")
    recruiter.look("verifier-connections-wrong")
    recruiter.fill(url="https://hooks.skillswallet.example/antwoorden")
    recruiter.press("form[action$='/webhook'] .button.main")
    recruiter.look("verifier-connections-secret")
    recruiter.press("form[action$='/test'] .button.main")
    recruiter.open_details()
    recruiter.look("verifier-connections-failing")


@both_languages
def test_the_pages_for_badges_from_elsewhere(town: Town, walk: Walk, language: str) -> None:
    """The verifier's public page, and the wallet's: an unknown issuer, no signature, a changed badge, none at all."""
    visitor, holder = walk("visitor", language), walk("holder", language)
    good, unsigned = create_foreign_badges()
    cases = {
        "unrecognised": good,
        "unsigned": unsigned,
        "refuted": {**good, "name": LONG},
        "unreachable": "https://127.0.0.1/badge",
    }
    check = town.url("verifier", "/check")
    visitor.open(check, "verifier-check")
    visitor.press("main form .button.main")
    visitor.look("verifier-check-empty")
    visitor.fill(text="Ik kan heel goed timmeren.")
    visitor.press("main form .button.main")
    visitor.look("verifier-check-no-badge")
    sign_up(holder, town, f"elders-{language}")
    holder.open(town.url("wallet", "/import"), "wallet-import")
    holder.fill(text="Ik kan heel goed timmeren.")
    holder.press("main form .button.main")
    holder.look("wallet-import-no-badge")
    for name, content in cases.items():
        text = content if isinstance(content, str) else json.dumps(content)
        visitor.page.goto(check)
        visitor.fill(text=text, email="iemand@anders.example" if name == "unsigned" else "")
        visitor.press("main form .button.main")
        visitor.open_details()
        visitor.look(f"verifier-checked-{name}")
        holder.page.goto(town.url("wallet", "/import"))
        holder.fill(text=text)
        holder.press("main form .button.main")
        holder.look(f"wallet-import-{name}")
        if holder.page.locator("form[action$='/keep']").count():
            holder.press("form[action$='/keep'] button")
            holder.look(f"wallet-imported-{name}")
            holder.press("form[action$='/check'] button")
            holder.open_details()
            holder.look(f"wallet-imported-again-{name}")
    holder.open(town.url("wallet", "/badges"), "wallet-imported-badges")
    holder.press("a.card.badge")
    holder.page.goto(holder.page.url + "/delete")
    holder.look("wallet-imported-delete")


@both_languages
def test_the_pages_for_badges_at_another_platform(town: Town, walk: Walk, language: str) -> None:
    """Giving access, a list with everything that a badge can be, what was kept, what was sent, and the end of it."""
    port = town.deployment.ports["practice"]
    signer = SoftwareSigner.generate("Ed25519")
    good, unsigned = create_foreign_badges(signer)
    lies = {**good, "id": "urn:uuid:0f8ecd9e-8f0f-4c0b-9f0b-3f0d6f1c2a13", "name": "Anders"}
    # Below a path of its own, since the wallet remembers as whom it is known to a platform.
    platform = SimulatedBadgePlatform(utc_now, host=f"localhost:{port}", scheme="http", tenant=f"/{language}")
    platform.badges = [
        good,
        {**unsigned, "id": "urn:uuid:0f8ecd9e-8f0f-4c0b-9f0b-3f0d6f1c2a12"},
        lies,
        {"type": "Lunch"},
    ]
    holder = walk("holder", language)
    sign_up(holder, town, f"platform-{language}")
    places = town.url("wallet", "/platforms")
    with serving(platform.app(), port):
        holder.open(places, "wallet-platforms-none")
        holder.fill(address="localhost:1")
        holder.press("main form .button.main")
        holder.look("wallet-platforms-wrong")
        holder.fill(address=platform.base)
        holder.page.locator("[name=may_send]").check()
        holder.press("main form .button.main")
        expect(holder.page).to_have_url(re.compile("/platforms/[A-Za-z0-9_-]+$"))
        here = holder.page.url
        holder.open_details()
        holder.look("wallet-platform-list")
        holder.page.locator("[name=badge]").evaluate_all("all => all.forEach((each) => { each.checked = false })")
        holder.press("form[action$='/keep'] .button.main")
        holder.look("wallet-platform-nothing-chosen")
        holder.page.locator("[name=badge]").first.check()
        holder.press("form[action$='/keep'] .button.main")
        holder.look("wallet-platform-kept")
        platform.badges = [create_foreign_badges(signer, timedelta(hours=1))[0]]
        holder.press("form[action$='/fetch']:has([name=everything]) button")
        holder.look("wallet-platform-changed")
        holder.open(places, "wallet-platforms")
        receive(holder, run(award(town, "Adviseur voor een ander platform", HRM)))
        holder.page.goto(town.url("wallet", "/badges"))
        holder.press("a.card.badge[href^='/badges/']")
        holder.open_details()
        holder.look("wallet-badge-to-send")
        holder.press("a[href*='/send/']")
        holder.look("wallet-badge-send")
        holder.press("form[action*='/send/'] .button.main")
        holder.look("wallet-badge-sent")
        holder.open(town.url("wallet", "/shared"), "wallet-shared-with-platform")
        holder.page.goto(here)
        platform.misbehave = "badges_are_a_page"
        holder.press("form[action$='/fetch'] button")
        holder.open_details()
        holder.look("wallet-platform-failed")
        platform.misbehave = "refresh_refused"
        platform.end_tokens()
        holder.page.goto(here)
        holder.press("form[action$='/fetch'] button")
        holder.look("wallet-platform-ended")
        holder.open(here, "wallet-platform-without-access")
        holder.open(f"{here}/disconnect", "wallet-platform-disconnect")
        holder.press("form[action$='/disconnect'] .button.main")
        holder.look("wallet-platform-disconnected")
    for path in ("privacy", "terms"):
        holder.open(town.url("wallet", f"/{path}"), f"wallet-{path}")


def create_foreign_badges(
    signer: SoftwareSigner | None = None, age: timedelta = timedelta(days=1)
) -> tuple[dict[str, Any], dict[str, Any]]:
    """A badge of an issuer elsewhere that somebody endorses, signed, and the same without its signature."""
    signer = signer or SoftwareSigner.generate("Ed25519")
    did = did_key(signer.public_key.jwk)
    badge = create_microcredential_badge(FULL)
    began = format_date_time(int((utc_now() - age).timestamp()))
    endorsement = create_endorsement(
        endorsement_id="urn:uuid:0f8ecd9e-8f0f-4c0b-9f0b-3f0d6f1c2a11",
        issuer_profile={"id": did, "type": ["Profile"], "name": "Techniekbedrijven Rivierenland"},
        subject_id=badge["credentialSubject"]["achievement"]["id"],
        name="Aanbeveling",
        comment="Wij nemen wie dit heeft graag aan.",
        valid_from=utc_now() - timedelta(days=1),
    )
    method = f"{did}#{did.removeprefix('did:key:')}"
    said = add_proof(
        endorsement,
        cryptosuite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=method,
        proof_purpose="assertionMethod",
        created_at=utc_now(),
    )
    achievement = {**badge["credentialSubject"]["achievement"], "endorsement": [said]}
    subject = {**badge["credentialSubject"], "achievement": achievement}
    unsigned = {
        **badge,
        "issuer": {**badge["issuer"], "id": did},
        "validFrom": began,
        "credentialSubject": subject,
    }
    signed = add_proof(
        unsigned,
        cryptosuite="eddsa-rdfc-2022",
        signer=signer,
        verification_method=method,
        proof_purpose="assertionMethod",
        created_at=utc_now(),
    )
    return signed, unsigned


async def create_office(town: Town, slug: str) -> tuple[str, str]:
    account = (f"baas@{slug}.example", PASSPHRASE)
    async with VerifierClient(town.url("verifier", ""), key=town.deployment.admin_keys["verifier"]) as verifier:
        await verifier.create_relying_party({"slug": slug, "name": "Leeg Bedrijf"})
        await verifier.create_operator(slug, email=account[0], name="B. Baas", passphrase=account[1])
    return account


@both_languages
def test_the_pages_of_the_issuer(town: Town, walk: Walk, language: str) -> None:
    staff = walk("staff", language)
    base = town.url("issuer", f"/back-office/{SCHOOL['slug']}")
    staff.open(town.url("issuer"), "issuer-front")
    staff.open(town.url("issuer", "/sign-in"), "issuer-sign-in")
    staff.fill(email="niemand@school.example", passphrase="verkeerd")
    staff.press("main form .button")
    staff.look("issuer-sign-in-wrong")
    staff.open(town.url("issuer", "/nergens"), "issuer-lost")
    empty = run(create_school(town, f"leeg-{language}"))
    sign_in(staff, town, "issuer", empty)
    staff.look("issuer-empty-badges")
    staff.open(town.url("issuer", f"/back-office/leeg-{language}/awards"), "issuer-empty-awards")
    sign_in(staff, town, "issuer", town.staff)
    made = run(award(town, "Adviseur Lerende Regio", HRM, ADVISING, PROCESSES, REPORTING))
    slug = "adviseur-lerende-regio"
    run(award_many(town, slug, 30))
    staff.open(base, "issuer-badges")
    staff.open(f"{base}/achievements/new", "issuer-new")
    for form_field in ("name", "description", "criteria"):
        staff.page.locator(f"[name={form_field}]").evaluate("e => e.removeAttribute('required')")
    staff.fill(skill_query="personeelsbel")
    staff.press("button.main[value=save]")
    staff.look("issuer-new-wrong")
    staff.fill(skill_query="personeelsbel")
    staff.press(".searching button[value=search]")
    staff.look("issuer-new-found")
    staff.open(f"{base}/achievements/{slug}", "issuer-badge")
    staff.open(f"{base}/achievements/{slug}/change", "issuer-change")
    staff.open_details()
    staff.look("issuer-change-microcredential")
    staff.open(f"{base}/achievements/{slug}/endorsements", "issuer-endorsements-received")
    staff.fill(endorsement="geen aanbeveling")
    staff.press("main form .button.main")
    staff.look("issuer-endorsements-received-wrong")
    staff.open(f"{base}/endorsements", "issuer-endorsements-given")
    staff.fill(subject="geen adres", name="Lassen", comment="Wij nemen wie dit heeft graag aan.")
    staff.press("main form .button.main")
    staff.look("issuer-endorsements-given-wrong")
    staff.fill(subject="https://anderen.example/badges/lassen")
    staff.press("main form .button.main")
    staff.look("issuer-endorsements-given-one")
    staff.open(f"{base}/achievements/{slug}/award", "issuer-award")
    staff.page.locator("#one [required]").evaluate_all("all => all.forEach((e) => e.removeAttribute('required'))")
    staff.fill(given_name="Sanne")
    staff.press("#one .button.main")
    staff.look("issuer-award-wrong")
    staff.page.goto(f"{base}/achievements/{slug}/award")
    staff.fill(
        people="Sanne\tJansen\ts.jansen@student.example\nMo;El Idrissi\nzonder adres\nzonder adres@\n"
        "Ans\tJansen\ts.jansen@student.example"
    )
    staff.press("#list button")
    staff.look("issuer-preview")
    staff.page.goto(f"{base}/achievements/{slug}/award")
    staff.fill(people="zonder adres")
    staff.press("#list button")
    staff.look("issuer-preview-all-wrong")
    staff.open(f"{base}/awards", "issuer-awards")
    staff.open(f"{base}/awards/{made['id']}", "issuer-invitation")
    staff.press("form[action$='/file'] button")
    staff.press("details:has(a[href$='/elm']) summary")
    staff.look("issuer-invitation-with-file")
    shared = staff.page.locator("#file-link").input_value()
    staff.open(shared, "issuer-file-for-its-recipient")
    late = run(award(town, "Adviseur Lerende Regio"))
    staff.page.goto(f"{base}/awards/{late['id']}")
    run(change_status(town, late["id"], "revoke"))
    staff.press("form[action$='/file'] button")
    staff.look("issuer-refused")
    staff.open(f"{base}/awards/{made['id']}/suspend", "issuer-suspend")
    staff.open(f"{base}/awards/{made['id']}/revoke", "issuer-revoke")
    staff.page.locator("[name=reason]").evaluate("e => e.removeAttribute('required')")
    staff.press("main form button.button")
    staff.look("issuer-revoke-wrong")
    staff.fill(reason="Per vergissing uitgereikt")
    staff.press("main form button.button")
    staff.look("issuer-revoked")
    staff.open(town.url("issuer", f"/{SCHOOL['slug']}/achievements/{slug}"), "issuer-public")
    staff.open(f"{base}/keys", "issuer-keys")
    staff.page.locator(".doing a").first.click()
    staff.look("issuer-key-replace")


@both_languages
def test_the_page_where_an_organisation_connects_its_own_system(town: Town, walk: Walk, language: str) -> None:
    staff = walk("staff", language)
    slug = f"koppelt-{language}"
    sign_in(staff, town, "issuer", run(create_school(town, slug)))
    here = town.url("issuer", f"/back-office/{slug}/connections")
    staff.open(here, "issuer-connections-empty")
    staff.press("main form .button.main")
    staff.look("issuer-connections-wrong")
    staff.fill(name="Leerlingsysteem van de opleiding Zorg en Welzijn")
    staff.page.get_by_role("checkbox").first.check()
    staff.page.get_by_role("checkbox").nth(1).check()
    staff.press("main form .button.main")
    staff.look("issuer-connections-key-shown-once")
    staff.page.goto(here)
    staff.open_details()
    staff.look("issuer-connections")
    staff.page.locator(".doing a").first.click()
    staff.look("issuer-connections-revoke")
    staff.press("main form .button.main")
    staff.open_details()
    staff.look("issuer-connections-revoked")


async def create_school(town: Town, slug: str) -> tuple[str, str]:
    account = (f"baas@{slug}.example", PASSPHRASE)
    async with IssuerClient(town.url("issuer", ""), key=town.deployment.admin_keys["issuer"]) as issuer:
        await issuer.create_organisation({"slug": slug, "name": "Lege School", "country": "NL"})
        await issuer.create_operator(slug, email=account[0], name="B. Baas", passphrase=account[1])
    return account


async def award_many(town: Town, slug: str, number: int) -> None:
    people = [
        {"given_name": f"Student {each}", "family_name": "van den Heuvel", "email": f"student{each}@student.example"}
        for each in range(number)
    ]
    async with IssuerClient(town.url("issuer", ""), key=town.deployment.admin_keys["issuer"]) as issuer:
        await issuer.award(SCHOOL["slug"], slug, people)


async def connect_service(town: Town, *scopes: str) -> tuple[SimulatedConsumer, str]:
    """A portfolio that registered itself, and where it sends somebody's browser."""
    consumer = SimulatedConsumer(httpx.AsyncClient(base_url=town.url("wallet", "")))
    async with consumer.http:
        assert (await consumer.register()).status_code == 201
    return consumer, town.url("wallet", consumer.ask(scopes or SCOPES))


async def redeem(town: Town, consumer: SimulatedConsumer, code: str) -> dict[str, Any]:
    """Take the code that the browser brought, bring a badge and read what is there."""
    async with httpx.AsyncClient(base_url=town.url("wallet", "")) as consumer.http:
        consumer.tokens = (await consumer.redeem(code)).raise_for_status().json()
        assert (await consumer.bring(json.dumps(SIGNED_BADGE))).status_code == 201
        page: dict[str, Any] = (await consumer.read()).raise_for_status().json()
        await consumer.bring(json.dumps({**SIGNED_BADGE, "id": "urn:uuid:1", "name": "Iets anders"}))
    return page


@both_languages
def test_B42_the_pages_on_which_a_service_is_connected(town: Town, walk: Walk, language: str) -> None:
    """Asked for while signed out, refused, permitted, used, seen and ended again."""
    holder = walk("holder", language)
    holder.page.route("https://portfolio.example/**", lambda route: route.fulfill(body="ok", content_type="text/html"))
    consumer, url = run(connect_service(town))
    holder.open(town.url("wallet", "/about-connecting"), "wallet-about-connecting")
    holder.open(url, "wallet-connect-signed-out")
    sign_up(holder, town, f"yara-{language}")
    receive(holder, run(award(town, "Adviseur Lerende Regio", HRM)))
    holder.open(town.url("wallet", "/connections"), "wallet-no-connections")
    holder.open(url.replace("S256", "plain"), "wallet-connect-wrong-question")
    holder.open(url.replace("portfolio.example", "evil.example"), "wallet-connect-wrong-address")
    holder.open(url, "wallet-connect")
    for tick in holder.page.locator("[name=scope]").all():
        tick.uncheck()
    holder.press("button[value=yes]")
    holder.look("wallet-connect-nothing-chosen")
    holder.page.goto(url)
    holder.press("button[value=yes]")
    expect(holder.page).to_have_url(re.compile(r"https://portfolio\.example/back\?code="))
    code = dict(parse_qsl(urlsplit(holder.page.url).query))["code"]
    assert run(redeem(town, consumer, code))["credential"][-1] == SIGNED_BADGE
    holder.open(town.url("wallet", "/connections"), "wallet-connections")
    holder.open(town.url("wallet", "/shared"), "wallet-history-of-a-connection")
    holder.page.goto(town.url("wallet", "/badges"))
    holder.press("a[href^='/imported/']")
    holder.look("wallet-badge-that-was-brought")
    holder.page.goto(town.url("wallet", "/connections"))
    holder.fill(name="   ")
    holder.press("form[action='/connections/profile'] .button")
    holder.look("wallet-profile-wrong")
    holder.press("form[action$='/end'] .button")
    expect(holder.page.locator("form[action$='/end']")).to_have_count(0)
    refused = holder.page
    refused.goto(url)
    holder.press("button[value=no]")
    expect(refused).to_have_url(re.compile(r"https://portfolio\.example/back\?error=access_denied"))


def test_the_pages_while_the_issuer_is_silent(town: Town, walk: Walk) -> None:
    """Last in this file: it stops the issuer."""
    holder, recruiter = walk("holder", "nl"), walk("recruiter", "nl")
    sign_up(holder, town, "stil")
    receive(holder, run(award(town, "Adviseur Lerende Regio", HRM, ADVISING, PROCESSES, REPORTING)))
    unopened = run(award(town, "Adviseur Lerende Regio"))
    question = run(create_question(town, "Adviseur personeel", HRM))
    sign_in(recruiter, town, "verifier", town.recruiter)
    recruiter.page.goto(town.url("verifier", f"/back-office/{RECRUITER['slug']}/questions/{question}"))
    town.stop("issuer")
    holder.open(town.url("wallet", "/badges"), "silent-badges")
    holder.press("a.card.badge")
    holder.look("silent-badge")
    holder.open(unopened["offer"]["wallet_link"], "silent-offer")
    begin_answer(holder, recruiter)
    holder.look("silent-question")
    holder.press("button[form=accept]")
    expect(recruiter.page.locator("table")).to_be_visible(timeout=60_000)
    recruiter.look("silent-answer")
