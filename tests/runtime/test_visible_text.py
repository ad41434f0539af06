"""What hides in a text, and what nobody can see at all."""

import pytest

from runtime.visible_text import hides_something, is_blank


@pytest.mark.parametrize(
    "text",
    [
        "a\u200bb",
        "a\ufeffb",
        "a\u00adb",
        "a\u2060b",
        "a\u200fb",
        "a\u202eb",
        "a\x00b",
        "a\U000e0041",
        "\u200da",
        "a\u200d",
        "a\u200d\u200db",
        "a \u200c b",
        "\u3164\u200d\u3164",
    ],
    ids=ascii,
)
def test_A08_a_text_with_a_sign_that_nobody_sees_hides_something(text: str) -> None:
    assert hides_something(text)


@pytest.mark.parametrize(
    "text",
    ["Sanne de Vries", "Zoë\nÇelik", "می\u200cخواهم", "ක්\u200dෂ", "👩\u200d🎓", "❤\ufe0f\u200d🔥", "\u06dd", ""],
    ids=ascii,
)
def test_A08_what_scripts_and_emoji_need_hides_nothing(text: str) -> None:
    assert not hides_something(text)


@pytest.mark.parametrize("text", ["", " \n", "\u200b", "\u3164", "\u2800\u2800", "\u034f", "\ufe0f"], ids=ascii)
def test_A08_a_text_of_nothing_that_can_be_seen_is_blank(text: str) -> None:
    assert is_blank(text)


@pytest.mark.parametrize("text", ["a", "1", "!", "€", "س", "\u06dd"], ids=ascii)
def test_A08_one_sign_that_can_be_seen_is_enough(text: str) -> None:
    assert not is_blank(text)
