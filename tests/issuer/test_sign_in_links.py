"""One-time links, by mail or handed over by staff: once, soon, in one browser, and the same words for everybody."""

import asyncio
import re
import socketserver
import threading
from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage

import httpx
import pytest

from runtime.mail import Mailer, MailError
from tests.conftest import NewDatabase
from tests.issuer.code_flow import CodeFlow
from tests.issuer.conftest import ORG, SANNE, Issuer, create_client, create_issuer, settings_for
from tests.support.clock import FixedClock

EIGHT = range(8)


class MailServer(socketserver.ThreadingTCPServer):
    """As much of RFC 5321 as takes a message; `says_no` refuses every recipient."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.received: list[EmailMessage] = []
        self.came = threading.Event()
        self.says_no = False

    @property
    def port(self) -> int:
        return int(self.server_address[1])


class _Conversation(socketserver.StreamRequestHandler):
    server: MailServer

    def handle(self) -> None:
        self._say("220 mail.example")
        while line := self.rfile.readline().strip().upper():
            if line.startswith(b"RCPT") and self.server.says_no:
                self._say("550 no such mailbox")
            elif line == b"DATA":
                self._say("354 go on")
                lines = []
                while (text := self.rfile.readline()) != b".\r\n":
                    lines.append(text)
                parsed = message_from_bytes(b"".join(lines), policy=policy.default)
                self.server.received.append(parsed)
                self.server.came.set()
                self._say("250 taken")
            elif line == b"QUIT":
                return self._say("221 bye")
            else:
                self._say("250 ok")
        return None

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


async def waiting(flow: CodeFlow, email: str = SANNE["email"]) -> None:
    """A browser in which somebody asked for a link."""
    await flow.begin()
    await flow.submit("/email", email=email)


# Handed over by staff


async def test_A54_the_page_says_the_same_whether_an_address_is_known(issuer: Issuer) -> None:
    await issuer.award()
    pages = []
    for email in (SANNE["email"], "nobody@student.example"):
        flow = CodeFlow.start(issuer)
        await waiting(flow, email)
        assert flow.page is not None
        refused = await flow.submit("/code", code="000000")
        for page in (flow.page, refused):
            pages.append(re.sub(r'authorize/[0-9a-f-]+|value="[^"]*"|<code>[^<]*</code>', "", page.text))
    assert pages[:2] == pages[2:]


async def test_I25_the_link_signs_in_the_browser_that_asked_for_it(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    await waiting(flow)
    link, _ = await flow.waiting_code()
    other = create_client(issuer.app)
    page = await other.get(link)
    assert "Open deze link in je andere browser" in page.text
    await flow.follow(await flow.browser.get(link))
    assert "Wil je deze badge ophalen?" in (await flow.submit(link.rpartition("/")[2])).text


async def test_I25_a_link_is_not_spent_by_looking_at_it_and_works_once(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    await waiting(flow)
    link, _ = await flow.waiting_code()
    for _ in range(3):
        flow.page = await flow.browser.get(link)
    first, token = flow.page, link.rpartition("/")[2]
    assert "Wil je deze badge ophalen?" in (await flow.submit(token)).text
    flow.page = first
    assert "Deze link werkt niet meer" in (await flow.submit(token)).text


async def test_I25_of_eight_uses_of_a_link_one_wins(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    await waiting(flow)
    link, _ = await flow.waiting_code()
    page = await flow.browser.get(link)
    form = {"csrf_token": page.text.split('name="csrf_token" value="')[1].split('"')[0]}
    responses = await asyncio.gather(*[flow.browser.post(link, data=form) for _ in EIGHT])
    assert sorted(response.status_code for response in responses) == [303] + [400] * 7


async def test_A29_a_link_of_another_persons_authorization_opens_nothing(issuer: Issuer) -> None:
    await issuer.award()
    victim, attacker = CodeFlow.start(issuer), CodeFlow.start(issuer)
    await waiting(victim)
    link, code = await victim.waiting_code()
    await attacker.begin()
    await attacker.follow(await attacker.browser.get(link))
    assert "Deze link werkt niet meer" in (await attacker.submit(link.rpartition("/")[2])).text
    await waiting(attacker)
    assert "Deze code klopt niet" in (await attacker.submit("/code", code=code)).text


async def test_A25_five_wrong_codes_end_a_link_and_the_sixth_right_one_is_late(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    await waiting(flow)
    _, right = await flow.waiting_code()
    wrong = f"{(int(right) + 1) % 1_000_000:06d}"
    for _ in range(5):
        assert "Deze code klopt niet" in (await flow.submit("/code", code=wrong)).text
    assert "Deze code klopt niet" in (await flow.submit("/code", code=right)).text


async def test_A25_eight_simultaneous_guesses_are_five_tries(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    await waiting(flow)
    _, right = await flow.waiting_code()
    assert flow.page is not None
    form = {"csrf_token": flow.page.text.split('name="csrf_token" value="')[1].split('"')[0]}
    url = f"{flow.page.request.url}/code"
    guesses = [f"{(int(right) + number) % 1_000_000:06d}" for number in range(1, 9)]
    responses = await asyncio.gather(*[flow.browser.post(url, data={**form, "code": code}) for code in guesses])
    assert {response.status_code for response in responses} == {400}
    assert (await flow.browser.post(url, data={**form, "code": right})).status_code == 400


async def guess(issuer: Issuer, host: str, *, times: int = 1) -> list[httpx.Response]:
    """Wrong codes for a link of one's own, at once, from an address of one's own."""
    flow = CodeFlow(issuer, create_client(issuer.app, host))
    await waiting(flow, f"{host}@student.example")
    assert flow.page is not None
    form = {"csrf_token": flow.page.text.split('name="csrf_token" value="')[1].split('"')[0], "code": "none"}
    url = f"{flow.page.request.url}/code"
    return list(await asyncio.gather(*[flow.browser.post(url, data=form) for _ in range(times)]))


async def type_right_code(issuer: Issuer, host: str) -> httpx.Response:
    flow = CodeFlow(issuer, create_client(issuer.app, host))
    await waiting(flow)
    _, code = await flow.waiting_code()
    return await flow.submit("/code", code=code)


async def test_A25_of_eight_guesses_at_once_a_source_has_as_many_as_it_may(any_issuer: Issuer) -> None:
    """Links are no more tries: each of these guesses could be at a link of its own."""
    issuer = any_issuer
    await issuer.award()
    object.__setattr__(issuer.settings, "sign_in_code_tries_per_source", 3)
    responses = await guess(issuer, "198.51.100.1", times=8)
    assert sorted(response.status_code for response in responses) == [400] * 3 + [429] * 5
    [refused] = {(each.headers["retry-after"]) for each in responses if each.status_code == 429}
    assert refused == "3600"
    assert "Probeer het over een uur opnieuw" in next(each.text for each in responses if each.status_code == 429)
    # With another link it is the same source; somebody else's tries are their own, and an hour later it is over.
    assert [each.status_code for each in await guess(issuer, "198.51.100.1")] == [429]
    assert "Wil je deze badge ophalen?" in (await type_right_code(issuer, "198.51.100.2")).text
    issuer.clock.advance(timedelta(hours=1))
    assert [each.status_code for each in await guess(issuer, "198.51.100.1")] == [400]


async def test_A25_an_organisation_s_codes_are_guessed_so_often_and_no_more_from_wherever(any_issuer: Issuer) -> None:
    issuer = any_issuer
    await issuer.award()
    object.__setattr__(issuer.settings, "sign_in_code_tries_per_organisation", 4)
    answers = [each.status_code for host in range(4) for each in await guess(issuer, f"198.51.100.{host}", times=2)]
    assert answers == [400] * 4 + [429] * 4
    # Whoever has the link signs in all the same: nobody locks others out for good.
    flow = CodeFlow(issuer, create_client(issuer.app, "198.51.100.9"))
    await waiting(flow)
    link, _ = await flow.waiting_code()
    await flow.follow(await flow.browser.get(link))
    assert "Wil je deze badge ophalen?" in (await flow.submit(link.rpartition("/")[2])).text


async def test_A25_a_right_code_is_no_guess(issuer: Issuer) -> None:
    """A whole class behind one address signs in."""
    await issuer.award()
    for name in ("sign_in_code_tries_per_source", "sign_in_code_tries_per_organisation"):
        object.__setattr__(issuer.settings, name, 1)
    for _ in range(3):
        assert "Wil je deze badge ophalen?" in (await type_right_code(issuer, "198.51.100.1")).text
    assert [each.status_code for each in await guess(issuer, "198.51.100.1")] == [400]
    assert [each.status_code for each in await guess(issuer, "198.51.100.1")] == [429]


async def test_I25_a_code_lives_a_quarter_of_an_hour(issuer: Issuer) -> None:
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await waiting(flow)
    _, code = await flow.waiting_code()
    issuer.clock.advance(timedelta(minutes=15))
    assert "Deze code klopt niet" in (await flow.submit("/code", code=code)).text


async def test_A54_nobodys_mailbox_is_filled_and_no_source_asks_without_end(any_issuer: Issuer) -> None:
    object.__setattr__(any_issuer.settings, "sign_in_links_per_source", 20)
    flow = CodeFlow.start(any_issuer)
    await flow.begin()
    first = flow.page
    for number in range(6):
        flow.page = first
        page = await flow.submit("/email", email=SANNE["email"])
        assert (page.status_code == 429) == (number == 5)
    for number in range(15):
        flow.page = first
        page = await flow.submit("/email", email=f"student{number}@student.example")
    assert (page.status_code, page.headers["retry-after"]) == (429, "3600")
    assert "Probeer het over een uur opnieuw" in page.text


async def test_A54_a_class_behind_one_address_gets_its_links(issuer: Issuer) -> None:
    flow = CodeFlow.start(issuer)
    await flow.begin()
    first, answers = flow.page, set()
    for number in range(60):
        flow.page = first
        answers.add((await flow.submit("/email", email=f"leerling{number}@student.example")).status_code)
    assert answers == {200}


async def test_A54_a_stranger_who_asks_for_somebody_else_does_not_lock_them_out(any_issuer: Issuer) -> None:
    async def ask(host: str) -> int:
        flow = CodeFlow(any_issuer, create_client(any_issuer.app, host))
        await flow.begin()
        status: int = (await flow.submit("/email", email=SANNE["email"])).status_code
        return status

    assert [await ask("198.51.100.1") for _ in range(6)] == [200] * 5 + [429]
    assert await ask("192.0.2.1") == 200
    everywhere = [await ask(f"203.0.113.{number}") for number in range(15)]
    assert everywhere == [200] * 14 + [429]


async def test_A25_A54_a_network_of_one_subscriber_is_one_source(issuer: Issuer) -> None:
    """An IPv6 subscriber has as many addresses as tries are wanted."""
    object.__setattr__(issuer.settings, "sign_in_links_per_source", 2)
    answers = []
    for host in ("2001:db8::1", "2001:db8::2", "2001:db8:0:0:ffff::3", "2001:db8:0:1::1", "::ffff:192.0.2.9"):
        flow = CodeFlow(issuer, create_client(issuer.app, host))
        await flow.begin()
        answers.append((await flow.submit("/email", email=f"{len(answers)}@student.example")).status_code)
    assert answers == [200, 200, 429, 200, 200]


@pytest.mark.parametrize("email", ["", "sanne", "sanne@student", "a b@c.nl", "a@b.nl\nBcc: c@d.nl", "<a@b.nl>"])
async def test_what_is_no_address_is_told_beside_the_field(issuer: Issuer, email: str) -> None:
    flow = CodeFlow.start(issuer)
    await flow.begin()
    page = await flow.submit("/email", email=email)
    assert page.status_code == 400
    assert "Dit is geen e-mailadres" in page.text


async def test_I25_of_eight_members_of_staff_one_sees_the_code(any_issuer: Issuer) -> None:
    issuer, flow = any_issuer, CodeFlow.start(any_issuer)
    await issuer.award()
    await waiting(flow)
    shown = await asyncio.gather(*[flow.waiting_code() for _ in EIGHT], return_exceptions=True)
    assert sum(not isinstance(secrets, BaseException) for secrets in shown) == 1


# By mail


@pytest.mark.loopback
async def test_I25_the_link_comes_by_mail(
    new_sqlite_database: NewDatabase, clock: FixedClock, mail_server: MailServer
) -> None:
    issuer = await create_issuer(
        new_sqlite_database("issuer"),
        clock,
        public_url="https://issuer.example",
        allow_http_for_local_development=True,
        smtp_url=f"smtp://127.0.0.1:{mail_server.port}",
        mail_from="badges@stmw.example",
    )
    await issuer.award()
    flow = CodeFlow.start(issuer)
    await waiting(flow, "Sanne@Student.example ")
    assert flow.page is not None
    assert "Kijk in je mail" in flow.page.text
    await asyncio.to_thread(mail_server.came.wait, 10)
    [message] = mail_server.received
    assert (message["to"], message["from"]) == (SANNE["email"], "badges@stmw.example")
    assert message["auto-submitted"] == "auto-generated"
    text = message.get_content()
    code = re.search(r": (\d{6})", text)
    assert code is not None
    assert f"https://issuer.example/{ORG}/sign-in-link/" in text
    assert "Wil je deze badge ophalen?" in (await flow.submit("/code", code=code[1])).text
    await waiting(CodeFlow.start(issuer), "nobody@student.example")
    assert len(mail_server.received) == 1
    await issuer.client.aclose()
    await issuer.app.state.service.close()


@pytest.mark.loopback
async def test_mail_that_is_not_taken_is_an_error_without_the_address(mail_server: MailServer) -> None:
    mail_server.says_no = True
    mailer = Mailer.of_url(f"smtp://127.0.0.1:{mail_server.port}", sender="a@b.nl", allow_plain=True)
    with pytest.raises(MailError) as refused:
        await mailer.send("sanne@student.example", "Inloggen", "Hallo")
    assert "sanne" not in str(refused.value)


@pytest.mark.parametrize(
    "recipient",
    [
        "sanne@student.example,other.example",
        "sanne,other@student.example",
        "a:b;c@student.example",
        '"sanne@student.example',
        "=?utf-8?q?other=40other.example=2C?=sanne@student.example",
        "sanne@student..example",
        "sanne@[.example",
        "sanne@student.example\nBcc: other@other.example",
    ],
)
async def test_A56_mail_goes_to_one_address_or_to_none(recipient: str) -> None:
    mailer = Mailer.of_url("smtps://mail.example", sender="a@b.nl")
    with pytest.raises(MailError, match="not one address"):
        await mailer.send(recipient, "Inloggen", "Hallo")


@pytest.mark.loopback
async def test_A56_no_mail_leaves_without_encryption_in_production(mail_server: MailServer) -> None:
    mailer = Mailer.of_url(f"smtp://127.0.0.1:{mail_server.port}", sender="a@b.nl")
    with pytest.raises(MailError):
        await mailer.send("sanne@student.example", "Inloggen", "Hallo")
    assert mail_server.received == []


@pytest.mark.parametrize(
    ("smtp_url", "mail_from"),
    [
        ("https://mail.example", "a@b.nl"),
        ("smtps://", "a@b.nl"),
        ("smtps://mail.example/path", "a@b.nl"),
        ("smtps://mail.example", "nobody"),
        ("smtps://mail.example", None),
        (None, "a@b.nl"),
    ],
)
def test_mail_settings_that_cannot_work_stop_the_start(smtp_url: str | None, mail_from: str | None) -> None:
    with pytest.raises(ValueError, match=r"smtp|sender"):
        settings_for("sqlite://", smtp_url=smtp_url, mail_from=mail_from)


def test_a_mail_server_is_read_from_its_url() -> None:
    mailer = Mailer.of_url("smtps://badges:p%40ss@mail.example", sender="a@b.nl")
    assert (mailer.host, mailer.port, mailer.is_tls) == ("mail.example", 465, True)
    assert (mailer.user, mailer.password) == ("badges", "p@ss")
    assert Mailer.of_url("smtp://mail.example", sender="a@b.nl").port == 587
