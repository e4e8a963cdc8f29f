"""One process of a cluster."""

import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from scripts.console import StepFailedError
from scripts.places import ROOT

# Generous, for a first start on a busy machine.
START_SECONDS: Final = 120.0
# Longer than OUTCRY_GRACE_SECONDS, in which a process hands its debates over.
STOP_SECONDS: Final = 30.0


@dataclass
class Member:
    """A process that can be started, stopped and started again. `on_line` gets the member's name and each line
    of its output."""

    name: str
    command: Sequence[str | Path]
    env: Mapping[str, str]
    is_ready: Callable[[], bool]
    on_line: Callable[[str, str], None]
    user: str | None = None
    cwd: Path = ROOT
    stop_signal: signal.Signals = signal.SIGTERM
    process_group: int | None = None
    process: "subprocess.Popen[str] | None" = None
    _reading: threading.Thread | None = None

    def begin(self) -> None:
        """Start it, without waiting until it is ready."""
        self.process = subprocess.Popen(
            [str(word) for word in self.command],
            cwd=self.cwd,
            env=dict(self.env),
            user=self.user,
            group=self.user,
            # Another user must not inherit root's groups.
            extra_groups=None if self.user is None else [],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            process_group=self.process_group,
        )
        self._reading = threading.Thread(target=self._read, args=(self.process,), daemon=True)
        self._reading.start()

    def _read(self, process: "subprocess.Popen[str]") -> None:
        assert process.stdout is not None
        with process.stdout:
            for line in process.stdout:
                self.on_line(self.name, line.rstrip("\n"))

    def wait(self) -> None:
        """Return once it is ready. Raises StepFailedError."""
        give_up = time.monotonic() + START_SECONDS
        while not self.is_ready():
            if self.process is None or self.process.poll() is not None:
                raise StepFailedError(f"{self.name} ended before it was ready; its lines above say why.")
            if time.monotonic() > give_up:
                raise StepFailedError(f"{self.name} was not ready within {START_SECONDS:.0f} seconds.")
            time.sleep(0.05)

    def start(self) -> None:
        self.begin()
        self.wait()

    def stop(self) -> int:
        """Stop it as a service manager does; its exit code."""
        if self.process is None:
            return 0
        self.process.send_signal(self.stop_signal)
        try:
            code = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        # Its own children may keep the pipe open for longer.
        if self._reading is not None:
            self._reading.join(timeout=1)
        self.process = None
        return code
