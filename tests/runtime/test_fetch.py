"""May we call this URL? Every way around the guard that we know of, and the limits on answers."""

import asyncio
import gzip
import socket
import threading
from collections.abc import AsyncIterator, Sequence

import httpx
import pytest

from kernel.errors import CredentialError, MalformedError, RejectedError, UndecidedError
from runtime import fetch as fetch_module
from runtime.fetch import (
    AnsweredError,
    Fetcher,
    FetchKind,
    GuardedTransport,
    check_url,
    is_public_address,
    is_public_name,
    resolve_host,
)
from runtime.settings import ServiceSettings

LOCAL = frozenset({"localhost:8101"})


def answer(status: int = 200, content: bytes = b"{}", **headers: str) -> httpx.Response:
    given = {"content-type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return httpx.Response(status, stream=httpx.ByteStream(content), headers=given)


def fetcher(*answers: httpx.Response | Exception, seen: list[httpx.Request] | None = None) -> Fetcher:
    """A fetcher whose network gives these answers, one after the other."""
    left = list(answers)

    def handle(request: httpx.Request) -> httpx.Response:
        if seen is not None:
            seen.append(request)
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return Fetcher(LOCAL, httpx.MockTransport(handle))


async def get_badges(fetch: Fetcher, url: str = "https://platform.example/x"):
    headers = {"Authorization": "Bearer secret"}
    return await fetch.get_answer(url, accept="application/json", kind=FetchKind.BADGES, headers=headers)


async def get(fetch: Fetcher, url: str = "https://issuer.example/x", kind: FetchKind = FetchKind.METADATA):
    return await fetch.get(url, accept="application/json", kind=kind)


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("http://issuer.example/", id="http"),
        pytest.param("ftp://issuer.example/", id="ftp"),
        pytest.param("file:///etc/passwd", id="file"),
        pytest.param("gopher://issuer.example/", id="gopher"),
        pytest.param("//issuer.example/", id="no scheme"),
        pytest.param("issuer.example", id="no url"),
        pytest.param("", id="empty"),
        pytest.param("https://", id="no host"),
        pytest.param("https://issuer.example:8443/", id="other port"),
        pytest.param("https://issuer.example:80/", id="http port"),
        pytest.param("https://user:secret@issuer.example/", id="credentials"),
        pytest.param("https://user@issuer.example/", id="user"),
        pytest.param("https://issuer.example@127.0.0.1/", id="host as user"),
        pytest.param("https://127.0.0.1/", id="loopback"),
        pytest.param("https://8.8.8.8/", id="public address"),
        pytest.param("https://127.1/", id="short address"),
        pytest.param("https://2130706433/", id="decimal address"),
        pytest.param("https://0x7f000001/", id="hexadecimal address"),
        pytest.param("https://0x7f.0.0.1/", id="hexadecimal part"),
        pytest.param("https://0177.0.0.1/", id="octal address"),
        pytest.param("https://127.0.0.0x1/", id="hexadecimal end"),
        pytest.param("https://[::1]/", id="ipv6 loopback"),
        pytest.param("https://[::ffff:127.0.0.1]/", id="ipv4-mapped"),
        pytest.param("https://[::ffff:7f00:1]/", id="ipv4-mapped, hexadecimal"),
        pytest.param("https://[fe80::1%25eth0]/", id="zone"),
        pytest.param("https://[2606:4700::1111]/", id="public ipv6"),
        pytest.param("https://localhost/", id="localhost"),
        pytest.param("https://localhost./", id="localhost with a dot"),
        pytest.param("https://wallet.localhost/", id="under localhost"),
        pytest.param("https://printer.local/", id="local"),
        pytest.param("https://metadata.google.internal/", id="internal"),
        pytest.param("https://intranet/", id="one label"),
        pytest.param("https://issuer.example./", id="final dot"),
        pytest.param("https://issuer..example/", id="empty label"),
        pytest.param("https://-issuer.example/", id="label with a hyphen first"),
        pytest.param("https://issuer.example\\@evil.example/", id="backslash"),
        pytest.param("https://issuer.example/a b", id="space"),
        pytest.param("https://issuer.example/a\r\nHost: x", id="line break"),
        pytest.param("https://issuer.example/\t", id="tab"),
        pytest.param("https://①②⑦.⓪.⓪.①/", id="unicode digits"),
        pytest.param("https://ıssuer.example/", id="unicode host"),
        pytest.param("https://issuer.example/" + "a" * 2048, id="too long"),
        pytest.param("https://localhost:8102/", id="local host that was not named"),
        pytest.param("http://localhost:80/", id="local host on another port"),
        pytest.param("http://127.0.0.1:8101/", id="local host by its address"),
    ],
)
async def test_K81_A42_a_url_that_policy_forbids_is_not_called(url: str):
    seen: list[httpx.Request] = []
    with pytest.raises(RejectedError):
        await get(fetcher(answer(), seen=seen), url)
    assert seen == []


@pytest.mark.parametrize("url", ["http://localhost:8101/x", "https://localhost:8101/x"])
def test_K84_a_named_local_host_is_called_over_http(url: str):
    assert str(check_url(url, LOCAL)) == "http://localhost:8101/x"


def test_K84_no_local_host_is_named_unless_the_deployment_names_it():
    assert ServiceSettings.model_fields["local_hosts"].default == frozenset()
    with pytest.raises(RejectedError):
        check_url("https://localhost:8101/x")


@pytest.mark.parametrize(
    "host", ["issuer.example", "a.b.example", "xn--bcher-kva.example", "1.example", "did_web.example"]
)
def test_K81_an_ordinary_name_is_public(host: str):
    assert is_public_name(host)


@pytest.mark.parametrize("address", ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:400e::1"])
def test_K81_a_public_address_is_public(address: str):
    assert is_public_address(address)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "169.254.169.254",
        "192.0.0.8", "192.0.0.9", "192.0.2.1", "192.88.99.1",
        "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "168.63.129.16", "::", "::1", "::7f00:1", "::ffff:127.0.0.1", "::ffff:8.8.8.8",
        "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1", "2002:7f00:1::",
        "2001:0:53aa:64c:0:fbff:80ff:fffe", "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "100::1", "3fff::1", "5f00::1",
        "::8.8.8.8", "4000::1", "not an address", "",
    ],
)  # fmt: skip
def test_K81_A42_no_other_address_is_public(address: str):
    assert not is_public_address(address)


class Network(httpx.AsyncBaseTransport):
    """What lies behind the guard: remembers where connections went."""

    def __init__(self, *failing: str) -> None:
        self.requests: list[httpx.Request] = []
        self.failing = failing

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.host in self.failing:
            raise httpx.ConnectError("refused")
        return answer()


def names(*answers: Sequence[str] | Exception):
    """A resolver that gives these answers, one a question, and says how often it was asked."""
    asked: list[tuple[str, int]] = []
    left = list(answers)

    async def resolve(host: str, port: int) -> Sequence[str]:
        asked.append((host, port))
        given = left.pop(0)
        if isinstance(given, Exception):
            raise given
        return given

    return resolve, asked


def guarded(network: Network, *answers: Sequence[str] | Exception) -> tuple[Fetcher, list[tuple[str, int]]]:
    resolve, asked = names(*answers)
    return Fetcher(LOCAL, GuardedTransport(LOCAL, resolve=resolve, inner=network)), asked


async def test_K81_the_connection_goes_to_the_address_that_was_checked_and_tls_checks_the_name():
    """DNS rebinding: the second answer would be 127.0.0.1, and is never asked for."""
    network = Network()
    fetch, asked = guarded(network, ["93.184.216.34"], ["127.0.0.1"])
    await get(fetch)
    assert asked == [("issuer.example", 443)]
    request = network.requests[0]
    assert request.url.host == "93.184.216.34"
    assert request.headers["host"] == "issuer.example"
    assert request.extensions["sni_hostname"] == "issuer.example"


async def test_K81_every_new_connection_is_checked_again():
    network = Network()
    fetch, _ = guarded(network, ["93.184.216.34"], ["127.0.0.1"])
    await get(fetch)
    with pytest.raises(RejectedError):
        await get(fetch)
    assert len(network.requests) == 1


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"], ["::ffff:10.0.0.1"]])
async def test_K81_one_address_that_is_not_public_refuses_the_name(addresses: list[str]):
    network = Network()
    fetch, _ = guarded(network, addresses)
    with pytest.raises(RejectedError):
        await get(fetch)
    assert network.requests == []


async def test_K84_a_named_local_host_may_have_a_private_address():
    network = Network()
    fetch, _ = guarded(network, ["127.0.0.1"])
    await get(fetch, "https://localhost:8101/x")
    assert str(network.requests[0].url) == "http://127.0.0.1:8101/x"


async def test_the_next_address_is_tried_when_the_first_does_not_answer():
    network = Network("93.184.216.34")
    fetch, _ = guarded(network, ["93.184.216.34", "93.184.216.35"])
    assert (await get(fetch)).status == 200
    assert [request.url.host for request in network.requests] == ["93.184.216.34", "93.184.216.35"]


@pytest.mark.parametrize("failure", [socket.gaierror(), UnicodeError(), TimeoutError()])
async def test_K85_a_name_that_does_not_resolve_is_undecided(failure: Exception):
    fetch, _ = guarded(Network(), failure)
    with pytest.raises(UndecidedError):
        await get(fetch)


async def test_a_name_without_addresses_is_undecided():
    fetch, _ = guarded(Network(), [])
    with pytest.raises(UndecidedError):
        await get(fetch)


async def test_the_real_transport_keeps_no_connection_and_reads_no_proxy(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    transport = GuardedTransport()
    fetch = Fetcher(transport=transport)
    assert fetch._client._mounts == {}
    pool = transport._inner._pool
    assert pool._max_keepalive_connections == 0
    await fetch.close()


@pytest.mark.loopback
async def test_the_real_transport_reaches_a_named_local_host():
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        request = await reader.readuntil(b"\r\n\r\n")
        requests.append(request.decode())
        body = b'{"ok": true}'
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body))
        writer.write(body)
        await writer.drain()
        writer.close()

    requests: list[str] = []
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fetch = Fetcher({f"localhost:{port}"})
    response = await get(fetch, f"https://localhost:{port}/x?y=1")
    await fetch.close()
    server.close()
    await server.wait_closed()
    assert response.json() == {"ok": True}
    head = requests[0].lower()
    assert head.startswith("get /x?y=1 http/1.1")
    assert f"host: localhost:{port}" in head
    assert "user-agent: skillswallet\r\n" in head
    assert "accept-encoding: identity" in head
    assert not any(f"\r\n{name}:" in head for name in ("cookie", "referer", "authorization", "origin"))


@pytest.mark.loopback
@pytest.mark.parametrize("value", ["Bearer a\r\nX-Planted: 1", "Bearer a\nb", "Bearer t\u00f6k"])
async def test_W15_a_header_that_no_request_can_carry_is_a_mistake_and_no_absence(value: str):
    """Whoever handed out a token that cannot be sent has answered, and wrongly: to try again later helps nobody."""
    taken: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: taken.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    fetch = Fetcher({f"localhost:{port}"})
    with pytest.raises(MalformedError):
        await fetch.post_json(f"https://localhost:{port}/c", b"{}", headers={"Authorization": value})
    await fetch.close()
    for writer in taken:
        writer.close()
    server.close()
    await server.wait_closed()


@pytest.mark.loopback
async def test_K81_the_real_resolver_and_guard_refuse_a_name_of_this_machine(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fetch_module, "is_public_name", lambda host: True)
    fetch = Fetcher()
    with pytest.raises(RejectedError):
        await get(fetch, "https://localhost/")
    await fetch.close()


REDIRECT = {"location": "https://lists.example/1"}


@pytest.mark.parametrize("kind", [kind for kind in FetchKind if not kind.name.startswith("STATUS_LIST")])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_K82_only_a_status_list_may_redirect(kind: FetchKind, status: int):
    seen: list[httpx.Request] = []
    with pytest.raises(RejectedError):
        await get(fetcher(answer(status, **REDIRECT), answer(), seen=seen), kind=kind)
    assert len(seen) == 1


def status_list() -> httpx.Response:
    return answer(content=b"eyJ", content_type="application/statuslist+jwt")


async def test_K82_a_status_list_may_redirect_three_times():
    seen: list[httpx.Request] = []
    redirects = [answer(302, **REDIRECT), answer(302, location="/2"), answer(307, location="https://lists.example/3")]
    found = await get(fetcher(*redirects, status_list(), seen=seen), kind=FetchKind.STATUS_LIST)
    assert found.url == "https://lists.example/3"
    assert [str(request.url) for request in seen[1:3]] == ["https://lists.example/1", "https://lists.example/2"]


async def test_K82_a_status_list_may_not_redirect_four_times():
    redirects = [answer(302, **REDIRECT) for _ in range(4)]
    with pytest.raises(RejectedError):
        await get(fetcher(*redirects, status_list()), kind=FetchKind.STATUS_LIST)


@pytest.mark.parametrize(
    "target", ["http://lists.example/", "https://127.0.0.1/", "https://localhost/", "https://a@b.c/"]
)
async def test_K82_A42_each_target_of_a_redirect_is_checked_again(target: str):
    seen: list[httpx.Request] = []
    with pytest.raises(RejectedError):
        await get(fetcher(answer(302, location=target), status_list(), seen=seen), kind=FetchKind.STATUS_LIST)
    assert len(seen) == 1


@pytest.mark.parametrize("status", [301, 303, 307, 308])
async def test_K82_a_post_is_never_redirected(status: int):
    seen: list[httpx.Request] = []
    with pytest.raises(RejectedError):
        await fetcher(answer(status, **REDIRECT), answer(), seen=seen).post_form(
            "https://v.example/r", {"vp_token": "x"}
        )
    assert len(seen) == 1


MEBIBYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("kind", "media_type", "limit"),
    [
        (FetchKind.METADATA, "application/json", MEBIBYTE),
        (FetchKind.DID_DOCUMENT, "application/did+json", MEBIBYTE),
        (FetchKind.STATUS_LIST, "application/statuslist+jwt", 5 * MEBIBYTE),
        (FetchKind.IMAGE, "image/png", 2 * MEBIBYTE),
    ],
)
async def test_K83_an_answer_has_a_limit(kind: FetchKind, media_type: str, limit: int):
    exact = answer(content=b"x" * limit, content_type=media_type)
    assert len((await get(fetcher(exact), kind=kind)).body) == limit
    with pytest.raises(MalformedError):
        await get(fetcher(answer(content=b"x" * (limit + 1), content_type=media_type)), kind=kind)


async def test_K83_an_endless_answer_is_cut_off():
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 65536

    response = httpx.Response(200, content=endless(), headers={"content-type": "application/json"})
    with pytest.raises(MalformedError):
        await get(fetcher(response))


async def test_K83_a_slow_answer_is_given_up(monkeypatch: pytest.MonkeyPatch):
    async def slow() -> AsyncIterator[bytes]:
        while True:
            yield b"x"
            await asyncio.sleep(0.01)

    monkeypatch.setattr(fetch_module, "_TOTAL_SECONDS", 0.1)
    with pytest.raises(UndecidedError):
        await get(fetcher(httpx.Response(200, content=slow(), headers={"content-type": "application/json"})))


def test_K83_the_limits_of_time_are_those_of_the_profile():
    assert (fetch_module._CONNECT_SECONDS, fetch_module._TOTAL_SECONDS) == (3, 10)


@pytest.mark.parametrize("coding", ["gzip", "br", "deflate", "zstd"])
async def test_K83_a_compressed_answer_is_refused_and_never_inflated(coding: str):
    bomb = gzip.compress(bytes(50 * MEBIBYTE))
    with pytest.raises(MalformedError):
        await get(fetcher(answer(content=bomb, content_encoding=coding)))


@pytest.mark.parametrize("media_type", ["text/html", "application/jsonp", "text/plain; application/json", ""])
async def test_K83_an_answer_of_another_type_is_refused(media_type: str):
    with pytest.raises(MalformedError):
        await get(fetcher(answer(content_type=media_type)))


async def test_K83_the_type_is_read_without_its_parameters():
    found = await get(fetcher(answer(content=b'{"a": 1}', content_type="Application/JSON; charset=utf-8")))
    assert found.json() == {"a": 1}


async def test_K83_cookies_are_not_sent_back():
    seen: list[httpx.Request] = []
    fetch = fetcher(answer(set_cookie="a=b; Path=/"), answer(), seen=seen)
    await get(fetch)
    assert list(fetch._client.cookies.jar) == []
    await get(fetch)
    assert "cookie" not in seen[1].headers


async def test_K86_json_is_read_strictly():
    with pytest.raises(MalformedError):
        (await get(fetcher(answer(content=b'{"a": 1, "a": 2}')))).json()


async def test_text_that_is_not_ascii_is_no_token():
    with pytest.raises(MalformedError):
        (await get(fetcher(answer(content="é".encode())))).text()


@pytest.mark.parametrize("status", [500, 502, 503, 408, 425, 429, 201, 204])
async def test_K85_a_get_that_was_not_answered_properly_is_undecided(status: int):
    with pytest.raises(UndecidedError):
        await get(fetcher(answer(status)))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 410, 304])
async def test_K85_a_get_that_was_refused_is_rejected(status: int):
    with pytest.raises(RejectedError):
        await get(fetcher(answer(status)))


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("x"), httpx.ReadTimeout("x"), httpx.RemoteProtocolError("x"), httpx.ReadError("x")]
)
async def test_K85_an_outside_that_does_not_answer_is_undecided(failure: Exception):
    with pytest.raises(UndecidedError):
        await get(fetcher(failure))


async def test_a_form_is_posted_and_the_protocols_errors_are_answers():
    seen: list[httpx.Request] = []
    fetch = fetcher(answer(400, b'{"error":"invalid_grant"}'), seen=seen)
    response = await fetch.post_form("https://issuer.example/token", {"pre-authorized_code": "a b"})
    assert (response.status, response.json()) == (400, {"error": "invalid_grant"})
    assert seen[0].content == b"pre-authorized_code=a+b"
    assert seen[0].headers["content-type"] == "application/x-www-form-urlencoded"


async def test_json_is_posted_with_the_headers_of_the_caller():
    seen: list[httpx.Request] = []
    fetch = fetcher(answer(), seen=seen)
    await fetch.post_json("https://issuer.example/c", b"{}", headers={"Authorization": "Bearer x"})
    assert seen[0].headers["authorization"] == "Bearer x"
    assert seen[0].headers["content-type"] == "application/json"


@pytest.mark.parametrize("status", [500, 503, 429])
async def test_K85_a_post_to_a_service_in_trouble_is_undecided(status: int):
    with pytest.raises(UndecidedError):
        await fetcher(answer(status)).post_json("https://issuer.example/c", b"{}")


async def test_K83_an_answer_to_a_post_has_a_limit_too():
    with pytest.raises(MalformedError):
        await fetcher(answer(content=b"x" * (MEBIBYTE + 1))).post_json("https://issuer.example/c", b"{}")


@pytest.mark.parametrize("media_type", ["text/html", "text/plain", ""])
async def test_K83_a_good_answer_to_a_post_is_of_the_expected_type(media_type: str):
    with pytest.raises(MalformedError):
        await fetcher(answer(content_type=media_type)).post_json("https://issuer.example/c", b"{}")


@pytest.mark.parametrize("given", [answer(204, b"", content_type=""), answer(400, b"<p>", content_type="text/html")])
async def test_an_answer_without_content_and_a_refusal_may_be_of_any_type(given: httpx.Response):
    assert (await fetcher(given).post_json("https://issuer.example/c", b"{}")).status == given.status_code


async def test_K83_a_request_object_that_is_asked_for_by_post_is_of_its_own_type():
    url, form = "https://v.example/r", {"wallet_nonce": "x"}
    good = answer(content=b"eyJ", content_type="application/oauth-authz-req+jwt")
    assert (await fetcher(good).post_form(url, form, kind=FetchKind.REQUEST_OBJECT)).text() == "eyJ"
    with pytest.raises(MalformedError):
        await fetcher(answer()).post_form(url, form, kind=FetchKind.REQUEST_OBJECT)


async def test_K83_silent_name_servers_hold_up_no_other_work_in_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The event loop's own threads read files and hash passphrases; strangers' names must not take them all."""
    silence = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_kwargs: silence.wait(30) and [])
    asked = [asyncio.create_task(resolve_host(f"silent{number}.example", 443)) for number in range(40)]
    try:
        await asyncio.sleep(0.05)
        assert await asyncio.wait_for(asyncio.to_thread(lambda: "done"), timeout=5) == "done"
    finally:
        silence.set()
        await asyncio.gather(*asked, return_exceptions=True)


@pytest.mark.parametrize("location", ["http://[", "javascript:1", "https://a:b/", "https://x" + "y" * 70_000, "\x7f"])
async def test_K85_redirect_to_something_that_is_no_url_is_an_error_of_the_other_side(location: str) -> None:
    def answer(_request: httpx.Request) -> httpx.Response:
        return httpx.Response(302, headers=[(b"location", location.encode())])

    fetch = Fetcher(transport=httpx.MockTransport(answer))
    with pytest.raises(CredentialError):
        await fetch.get("https://issuer.example/status/1", accept="x/y", kind=FetchKind.STATUS_LIST)


async def test_header_that_no_request_can_carry_is_refused() -> None:
    fetch = Fetcher(transport=httpx.MockTransport(lambda _request: httpx.Response(200)))
    with pytest.raises(MalformedError):
        await fetch.post_json("https://issuer.example/c", b"", headers={"Authorization": "Bearer t\u00f6k"})


@pytest.mark.parametrize("status", [301, 404, 410])
async def test_W04_answer_that_is_no_yes_carries_its_status(status: int) -> None:
    fetch = Fetcher(transport=httpx.MockTransport(lambda _request: httpx.Response(status)))
    with pytest.raises(AnsweredError) as refusal:
        await fetch.get("https://issuer.example/m", accept="application/json", kind=FetchKind.METADATA)
    assert refusal.value.status == status


async def test_K82_what_is_fetched_with_a_token_follows_no_redirect():
    seen: list[httpx.Request] = []
    with pytest.raises(AnsweredError):
        await get_badges(fetcher(answer(302, location="https://elsewhere.example/"), answer(), seen=seen))
    assert [request.headers["authorization"] for request in seen] == ["Bearer secret"]


@pytest.mark.parametrize("status", [200, 304, 400, 401, 403, 404])
async def test_K83_a_refusal_of_a_token_is_an_answer_to_read(status: int):
    assert (await get_badges(fetcher(answer(status)))).status == status


@pytest.mark.parametrize("status", [429, 500, 503])
async def test_K83_who_cannot_answer_now_may_later(status: int):
    with pytest.raises(UndecidedError):
        await get_badges(fetcher(answer(status)))


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"content_type": "text/html"}, id="page"),
        pytest.param({"content": b"x" * (3 * 1024 * 1024 + 1)}, id="large"),
        pytest.param({"content_encoding": "gzip"}, id="compressed"),
    ],
)
async def test_K83_a_page_of_badges_is_of_one_of_its_types_and_bounded(given: dict):
    with pytest.raises(MalformedError):
        await get_badges(fetcher(answer(**given)))
