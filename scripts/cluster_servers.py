"""PostgreSQL, Redis and nginx as members of a cluster."""

import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts import programs, proxy
from scripts.console import StepFailedError
from scripts.member import Member
from scripts.programs import unprivileged_user

OnLine = Callable[[str, str], None]


def postgres(folder: Path, port: int, secret: str, on_line: OnLine) -> Member:
    """PostgreSQL on `port`, with its data in `folder`, which is made on the first call; `secret` is the password."""
    data, user = folder / "data", unprivileged_user()
    if not data.exists():
        _initialise(folder, data, secret, user)
    server = _path(programs.POSTGRESQL).resolve().with_name("postgres")
    settings = ["listen_addresses=127.0.0.1", "unix_socket_directories=", "max_connections=200"]
    options = [word for setting in settings for word in ("-c", setting)]
    probe: list[str | Path] = [server.with_name("pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(port)]
    return Member(
        "postgres",
        [server, "-D", data, "-p", str(port), *options],
        os.environ,
        lambda: subprocess.run(probe, check=False, capture_output=True).returncode == 0,
        on_line,
        user=user,
        cwd=folder,
        # Fast shutdown: it does not wait for clients to disconnect.
        stop_signal=signal.SIGINT,
    )


def _initialise(folder: Path, data: Path, secret: str, user: str | None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(secret)
    if user is not None:
        for path in (folder, password):
            shutil.chown(path, user)
    options = [f"--pgdata={data}", "--username=outcry", "--auth=scram-sha-256", "--encoding=UTF8"]
    initdb = str(_path(programs.POSTGRESQL))
    command = [initdb, *options, f"--pwfile={password}"]
    done = subprocess.run(command, user=user, cwd=folder, check=False, capture_output=True, text=True)
    if done.returncode:
        raise StepFailedError(f"`initdb` failed:\n{done.stdout}{done.stderr}")
    password.unlink()


def redis(folder: Path, port: int, secret: str, on_line: OnLine) -> Member:
    # Through its standard input: everybody on the machine can read arguments.
    lines = [
        "loglevel warning",
        "bind 127.0.0.1",
        f"port {port}",
        f"requirepass {secret}",
        'save ""',
        f"dir {folder}",
    ]
    return Member(
        "redis",
        [_path(programs.REDIS), "-"],
        os.environ,
        lambda: _accepts(port),
        on_line,
        stdin="\n".join(lines) + "\n",
    )


def nginx(folder: Path, port: int, upstreams: Sequence[int], on_line: OnLine) -> Member:
    """nginx on `port`, before web processes on the ports `upstreams`."""
    folder.mkdir(exist_ok=True)
    file = folder / "nginx.conf"
    addresses = [f"127.0.0.1:{upstream}" for upstream in upstreams]
    file.write_text(proxy.configuration(f"127.0.0.1:{port}", addresses, folder))
    return Member(
        "nginx",
        proxy.command(_path(programs.NGINX), folder, file),
        os.environ,
        lambda: answers(f"http://127.0.0.1:{port}/healthz"),
        on_line,
    )


def answers(url: str) -> bool:
    """Whether a GET is answered with status 200."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 (loopback)
            return bool(answer.status == 200)
    except OSError:
        return False


def _path(program: programs.Program) -> Path:
    if (found := program.find()) is None:
        raise StepFailedError(f"{program.name} is not installed (package: {program.package}).")
    return found


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
