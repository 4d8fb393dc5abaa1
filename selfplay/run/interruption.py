"""Ctrl-C and SIGTERM: in order where there is something to lose, at once where there is nothing.

Python calls a handler between two of its own steps, and compiling a program is one step, of a
minute even. So commands have a thread listen too, which ends a process that does not obey.
"""

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from typing import Any

STOPPED = 130
"""Exit status, as shells have it for SIGINT."""
STOPPED_TEXT = "stopped at once; nothing that was saved is lost"
PATIENCE = 2.0
"""Seconds in which KeyboardInterrupt has to end what is to end at once."""
_SHOW_CURSOR = "\x1b[?25h"  # a live view hides it


class Interruption:
    """Handler of signals that knows whether someone asked to stop."""

    def __init__(self, patient: bool):
        self.requested = False
        self.patient = patient
        """Whether a first signal is but a wish; a second one never is."""

    def __call__(self, signum: int, frame: Any) -> None:
        """Notes the wish, or raises KeyboardInterrupt."""
        del signum, frame
        if self.requested or not self.patient:
            raise KeyboardInterrupt
        self.requested = True
        sys.stderr.write("\nstopping after this iteration; once more to stop at once\n")


@contextlib.contextmanager
def interruptible(*, patient: bool = True) -> Iterator[Interruption]:
    """Turns the first Ctrl-C or SIGTERM into a flag, if it is patient; a second stops at once."""
    interruption = Interruption(patient)
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        previous = {s: signal.signal(s, interruption) for s in signals}
    except ValueError:  # Python sets handlers in the main thread only
        previous = {}
    try:
        yield interruption
    finally:
        for s, handler in previous.items():
            signal.signal(s, handler)


@contextlib.contextmanager
def obeyed() -> Iterator[None]:
    """Ends the process, with status 130, where a signal to stop at once does not within seconds.

    For a program of its own in its main thread: whoever calls the library decides for himself.
    """
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    previous = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    over = threading.Event()
    threading.Thread(target=_listen, args=(reader, over), daemon=True).start()
    try:
        yield
    finally:
        over.set()
        signal.set_wakeup_fd(previous)
        os.close(writer)  # which ends the thread


def _listen(reader: int, over: threading.Event) -> None:
    """Waits for signals, which come here at once, whatever the main thread is at."""
    asked = None
    while signum := os.read(reader, 1):
        handler = signal.getsignal(signum[0])
        if isinstance(handler, Interruption) and handler.patient and handler is not asked:
            asked = handler
        elif signum[0] in (signal.SIGINT, signal.SIGTERM) and not over.wait(PATIENCE):
            view = _SHOW_CURSOR if sys.stderr.isatty() else ""
            os.write(sys.stderr.fileno(), f"{view}\n{STOPPED_TEXT}\n".encode())
            os._exit(STOPPED)
    os.close(reader)
