"""So many at once, and of those so many for each."""

import pytest

from runtime.at_once import Turns


class FullError(Exception):
    pass


def test_who_comes_when_all_turns_are_taken_is_refused_and_a_turn_comes_back() -> None:
    turns = Turns(1)
    with turns.take(FullError()), pytest.raises(FullError), turns.take(FullError()):
        pass
    with turns.take(FullError()):
        pass


def test_one_holder_has_no_more_than_its_share_and_leaves_the_others_theirs() -> None:
    turns = Turns(2, each=1)
    with turns.take(FullError(), holder="one"):
        with pytest.raises(FullError), turns.take(FullError(), holder="one"):
            pass
        with turns.take(FullError(), holder="two"), pytest.raises(FullError), turns.take(FullError(), holder="three"):
            pass
    with turns.take(FullError(), holder="one"):
        pass


def test_a_turn_comes_back_whatever_became_of_the_work() -> None:
    turns = Turns(1, each=1)
    with pytest.raises(KeyError), turns.take(FullError(), holder="one"):
        raise KeyError
    with turns.take(FullError(), holder="one"):
        pass
