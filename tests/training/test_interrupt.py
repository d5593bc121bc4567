"""Signals become a wish to stop; a second one is not held back."""

import signal
import threading

import pytest

from hive_mind.training import interrupt
from hive_mind.training.interrupt import StopRequest


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_is_a_wish(number):
    with StopRequest() as stop:
        assert not stop.wanted
        signal.raise_signal(number)
        assert stop.wanted


def test_the_second_stops_at_once(monkeypatch):
    monkeypatch.setattr(interrupt, "SAME_WISH", 0.0)
    with pytest.raises(KeyboardInterrupt), StopRequest() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.wanted
        signal.raise_signal(signal.SIGINT)


def test_the_same_signal_from_two_sides_is_one_wish():
    """A service manager signals every process of a run, and the supervising one passes its own on."""
    with StopRequest() as stop:
        signal.raise_signal(signal.SIGTERM)
        signal.raise_signal(signal.SIGTERM)
        assert stop.wanted


def test_handlers_are_as_before_afterwards():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with StopRequest():
        assert signal.getsignal(signal.SIGINT) != before[0]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


def test_outside_the_main_thread_signals_are_left_alone():
    found = []

    def enter():
        with StopRequest() as stop:
            found.append((stop.wanted, signal.getsignal(signal.SIGINT)))

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert found == [(False, before)]
