"""kernel.web_urls: the URLs that messages may carry. PROFILE.md K-81, W-46, A-35, A-42."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kernel.errors import MalformedError
from kernel.web_urls import host_of, parse_web_url, web_url


@pytest.mark.parametrize(
    "url",
    [
        "https://h.example",
        "https://h.example:8443/a/b?x=1",
        "HTTPS://H.EXAMPLE/",
        "https://localhost/x",
        "http://localhost:8101/x",
        "http://127.0.0.1:8101/x",
        "https://a-b.c_d.example1.nl/",
        "https://xn--80ak6aa92e.example/",
        "https://1.2.3.four/",
    ],
)
def test_K81_an_absolute_https_url_with_a_name_is_returned_unchanged(url):
    assert web_url(url, "the URL") == url


@pytest.mark.parametrize(
    "url",
    [
        "",
        "h.example",
        "/path",
        "//h.example/",
        "http://h.example/",
        "http://localhost.example/",
        "ftp://h.example/",
        "javascript:alert(1)",
        "data:text/html,x",
        "https:h.example",
        "https:///path",
        "https://:443/",
        "https://user@h.example/",
        "https://user:word@h.example/",
        "https://@h.example/",
        "https://h.example:99999/",
        "https://h.example:x/",
        "https://h..example/",
        "https://.h.example/",
        "https://h.example./",
        "https://-h.example/",
        "https://h%2eexample/",
        "https://h.example\\@other.example/",
        "https://h.example/a b",
        "https://h.example/a\tb",
        "https://h.example/\n",
        "https://h.example/é",
        "https://h.example/<x>",
        "https://10.0.0.1/",
        "https://127.1/",
        "https://127.0.0.2/",
        "https://2130706433/",
        "https://0x7f.1/",
        "https://0x7f000001/",
        "https://0177.0.0.01/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[::ffff:10.0.0.1]/",
        "https://[fe80::1]/",
        "https://[::1",
        "https://" + "h" * 254 + "/",
        "https://h.example/" + "x" * 2048,
    ],
)
def test_A35_A42_a_url_of_another_scheme_with_user_or_address_or_odd_spelling_is_malformed(url):
    with pytest.raises(MalformedError):
        web_url(url, "the URL")


@pytest.mark.parametrize("value", [None, 1, [], {}, b"https://h.example"])
def test_A35_what_is_no_text_is_no_url(value):
    with pytest.raises(MalformedError):
        web_url(value, "the URL")


def test_K81_queries_and_fragments_only_where_they_are_allowed():
    assert parse_web_url("https://h.example/?x", "it").query == "x"
    assert parse_web_url("https://h.example/#x", "it", fragment=True).fragment == "x"
    for url, query in (("https://h.example/#x", True), ("https://h.example/?x", False)):
        with pytest.raises(MalformedError):
            parse_web_url(url, "it", query=query)


def test_K81_a_host_has_its_port_when_the_url_has_one():
    assert [host_of(url) for url in ("https://H.example/x", "http://localhost:8101/x")] == [
        "h.example",
        "localhost:8101",
    ]


@given(st.text(max_size=80) | st.text(alphabet="https:/.@[]0123456789abcxé#?%\\", max_size=40))
def test_A35_no_text_makes_reading_fail_otherwise_than_said(text):
    for url in (text, f"https://{text}", f"https://{text}/x"):
        with suppress(MalformedError):
            parse_web_url(url, "the URL")
