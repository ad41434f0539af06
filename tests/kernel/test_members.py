"""kernel.members: absent, null, empty and of another type mean the same in every message. PROFILE.md K-86, A-08."""

from collections.abc import Callable
from typing import Any

import pytest

from kernel import members
from kernel.errors import MalformedError


@pytest.mark.parametrize("value", [None, 1, True, [], {}, b"x", "", "\ud800", "x" * (members.MAX_TEXT + 1)])
def test_A08_a_text_is_a_string_with_something_in_it_that_every_reader_can_encode(value):
    with pytest.raises(MalformedError):
        members.as_text(value, "it")


@pytest.mark.parametrize("value", [None, "ab", {}, [], (), [1] * 10_001])
def test_K86_an_array_has_at_least_one_element_and_at_most_ten_thousand(value):
    with pytest.raises(MalformedError):
        members.as_array(value, "it")


@pytest.mark.parametrize("value", [None, "1", 1.0, True, -1])
def test_A08_a_count_is_an_integer_of_at_least_the_minimum(value):
    with pytest.raises(MalformedError):
        members.as_count(value, "it")


@pytest.mark.parametrize("value", [[""], [1], ["a", None]])
def test_A08_texts_are_all_texts(value):
    with pytest.raises(MalformedError):
        members.as_texts(value, "it")


def test_A08_unique_texts_name_nothing_twice():
    assert members.as_unique_texts(["a", "b"], "it") == ("a", "b")
    with pytest.raises(MalformedError):
        members.as_unique_texts(["a", "a"], "it")


@pytest.mark.parametrize(
    ("find", "absent"),
    [
        (members.find_text, None),
        (members.find_texts, ()),
        (members.find_object, None),
        (members.find_objects, ()),
        (members.find_count, None),
    ],
)
def test_A08_an_absent_member_is_absent_and_null_is_not_absence(find: Callable[..., Any], absent: Any):
    assert find({}, "name") == absent
    with pytest.raises(MalformedError):
        find({"name": None}, "name")


def test_A08_a_flag_is_true_or_false_and_its_default_stands_for_absence_only():
    assert members.find_flag({}, "name", default=True) is True
    assert members.find_flag({"name": False}, "name", default=True) is False
    for value in (None, 0, "true"):
        with pytest.raises(MalformedError):
            members.find_flag({"name": value}, "name", default=True)


def test_A08_a_text_that_must_be_there_is_refused_when_it_is_not():
    assert members.get_text({"name": "x"}, "name") == "x"
    with pytest.raises(MalformedError):
        members.get_text({}, "name")
