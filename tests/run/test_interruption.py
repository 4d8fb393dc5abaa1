"""Signals, as a person sends them with Ctrl-C."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from selfplay.run.interruption import STOPPED, STOPPED_TEXT, interruptible


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_first_signal_sets_a_flag_the_second_stops(number, capsys):
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(KeyboardInterrupt), interruptible() as interruption:
        assert not interruption.requested
        os.kill(os.getpid(), number)
        assert interruption.requested
        assert "once more" in capsys.readouterr().err
        os.kill(os.getpid(), number)
        pytest.fail("the second signal was swallowed")
    assert {s: signal.getsignal(s) for s in before} == before


def test_handlers_are_restored_after_an_error():
    before = {s: signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM)}
    with pytest.raises(ZeroDivisionError), interruptible():
        assert all(signal.getsignal(s) is not handler for s, handler in before.items())
        _ = 1 / 0
    assert {s: signal.getsignal(s) for s in before} == before


def test_other_threads_run_without_handlers():
    seen = []

    def work():
        with interruptible() as interruption:
            seen.append(interruption.requested)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]


def test_where_nothing_is_lost_the_first_signal_stops():
    with pytest.raises(KeyboardInterrupt), interruptible(patient=False):
        os.kill(os.getpid(), signal.SIGINT)
        pytest.fail("the signal was swallowed")


DEAF = """
import contextlib, hashlib
from selfplay.run import interruption
from selfplay.run.interruption import interruptible, obeyed
interruption.PATIENCE = 0.2
with {entered}:
    print("begun", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        hashlib.pbkdf2_hmac("sha256", b"", b"", {rounds})  # one step, as a compilation is
    print("done", flush=True)
"""


def interrupted(entered, rounds, signals):
    """What a process says that gets so many signals in the midst of one long step of Python's."""
    code = DEAF.format(entered=entered, rounds=rounds)
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-c", code], stdout=pipe, stderr=pipe) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == b"begun\n"
        for _ in range(signals):
            time.sleep(0.5)  # the step has begun; of two signals at once only one would come
            process.send_signal(signal.SIGINT)
        return process.stdout.read(), process.stderr.read().decode(), process.wait()


@pytest.mark.parametrize(
    ("entered", "signals"),
    [
        ("obeyed()", 1),
        ("obeyed(), interruptible(patient=False)", 1),
        ("obeyed(), interruptible()", 2),
    ],
)
def test_a_process_that_cannot_listen_ends_all_the_same(entered, signals):
    told, complaint, status = interrupted(entered, 2**31 - 1, signals)
    assert (told, status) == (b"", STOPPED)
    assert complaint == f"\n{STOPPED_TEXT}\n"


def test_a_wish_waits_for_the_end_of_the_step():
    told, complaint, status = interrupted("obeyed(), interruptible()", 4_000_000, 1)
    assert (told, status) == (b"done\n", 0)
    assert complaint == "\nstopping after this iteration; once more to stop at once\n"
