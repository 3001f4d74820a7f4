"""How far a training is: a bar in a browser or terminal, lines when headless."""

import time

from mmhash_nb.io import project
from mmhash_nb.io.output import progress_bar, say

#: before and between messages; trainings of seconds say nothing
QUIET_SECONDS = 3.0


class Progress:
    """The progress of `epochs` epochs, of which `done` are over; none in the first seconds."""

    def __init__(self, label: str, epochs: int, done: int) -> None:
        self.label, self.epochs, self.done = label, epochs, done
        self.headless = project.headless()
        self.last = time.monotonic()
        self.bar = None
        if not self.headless:
            self.bar = progress_bar(
                total=epochs, initial=done, desc=label, leave=False, delay=QUIET_SECONDS
            )

    def step(self, loss: float) -> None:
        self.done += 1
        if self.bar is not None:
            self.bar.update()
            self.bar.set_postfix(loss=f"{loss:.4f}", refresh=False)
        elif time.monotonic() - self.last > QUIET_SECONDS:
            say(f"{self.label}: epoch {self.done}/{self.epochs}, loss {loss:.4f}")
            self.last = time.monotonic()

    def close(self) -> None:
        if self.bar is not None:
            self.bar.close()
