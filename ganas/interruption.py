"""Requests to stop: Ctrl-C, SIGTERM, and the SIGHUP of a terminal that is closed, counted."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator


class StopRequest:
    """Counts requests to stop: the first Ctrl-C ends after the batch if there is one, the second (or SIGTERM, SIGHUP) at once.

    Attributes:
        has_batch: whether a batch is under way that a first Ctrl-C lets end.
    """

    def __init__(self) -> None:
        self.count = 0
        self.has_batch = True

    @contextlib.contextmanager
    def on_signals(self, say: Callable[[str], None]) -> Iterator[None]:
        """Listens to SIGINT, SIGTERM and SIGHUP while inside; does nothing outside the main thread.

        SIGHUP stays ignored if it was, as under ``nohup``; Windows has none.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, frame: object) -> None:
            self.count += 1 if number == signal.SIGINT else 2
            if self.count > 1 or not self.has_batch:
                raise KeyboardInterrupt
            say("Stopping after this batch; press Ctrl-C again to stop at once. `ganas resume` goes on.")

        numbers = [signal.SIGINT, signal.SIGTERM]
        if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
            numbers.append(signal.SIGHUP)
        earlier = {number: signal.signal(number, handle) for number in numbers}
        try:
            yield
        finally:
            for number, handler in earlier.items():
                signal.signal(number, handler)
