"""The files of deploy/, the Dockerfile and compose.yaml agree with the code: what cannot be run here is compared."""

import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command

from config.management import servers
from scripts import model, proxy
from scripts.places import read_env_file
from scripts.settings_table import PAGE, table, written
from tests.support.servers import ROOT, setting_names
from tests.support.settings import read

DEPLOY = ROOT / "deploy"
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
SERVING = [unit for unit in UNITS if "@" in unit.name]
SITE = read_env_file(DEPLOY / "outcry.env.example")
# What no setting of ours reads, but Python, or the first start.
OTHERS = {"PATH", "PORT", "PYTHONUNBUFFERED"} | {
    f"DJANGO_SUPERUSER_{name}" for name in ("USERNAME", "EMAIL", "PASSWORD")
}


def known(names: set[str]) -> bool:
    return not names - {*setting_names(), *OTHERS}


# Settings


def test_settings_table_matches_the_example() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "python -m scripts.settings_table writes it anew"
    assert not [name for name in setting_names() if f"| `{name}` |" not in table()]


def test_settings_named_in_deploy_files_exist() -> None:
    assert known(set(SITE))
    assert known(set(re.findall(r"^#([A-Z_]+)=", (DEPLOY / "outcry.env.example").read_text(), re.MULTILINE)))
    assert known(set(COMPOSE["x-outcry"]["environment"]))
    image = DOCKERFILE.rpartition("\nFROM ")[2]
    [block] = re.findall(r"^ENV (.+?[^\\])$", image, re.MULTILINE | re.DOTALL)
    assert known(set(re.findall(r"\b([A-Z_]+)=", block)))
    for unit in UNITS:
        [line] = re.findall(r"^Environment=(.+)$", unit.read_text(), re.MULTILINE)
        assert known({word.partition("=")[0] for word in line.split()})


@pytest.mark.django_db
def test_secrets_that_the_example_leaves_empty_are_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody goes live with a secret that everybody can read here."""
    with pytest.raises(ImproperlyConfigured, match="SECRET_KEY is not set"):
        read(monkeypatch, tmp_path, SITE)
    # Its environment stays that of the example.
    with pytest.raises(CommandError, match="DJANGO_SUPERUSER_PASSWORD is not set"):
        call_command("serve")


def test_compose_has_no_password_by_default() -> None:
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    asked = read_env_file(DEPLOY / "compose.env.example")
    empty = {name for name, value in asked.items() if not value}
    assert {"POSTGRES_PASSWORD", "REDIS_PASSWORD"} <= empty
    for name in empty:
        uses = re.findall(rf"\$\{{{name}(.*?)[,}}]", text)
        assert uses
        assert all(use.startswith(":?") for use in uses), name
    assert set(re.findall(r"(?<!\$)\$\{([A-Z_]+)", text)) <= {*asked, "OUTCRY_VERSION", "LOCAL_MODEL"}


# The image


def test_what_is_copied_into_the_image_exists_and_is_not_ignored() -> None:
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
        for source in line.split()[:-1]
    ]
    kept = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    assert len(copied) > 8
    for source in copied:
        assert (ROOT / source).exists(), source
        assert any(f"{source}/".startswith(f"{name}/") for name in kept), source


def test_what_is_copied_from_another_stage_is_made_there() -> None:
    stages = set(re.findall(r" AS (\w+)$", DOCKERFILE, re.MULTILINE))
    assert set(re.findall(r"--from=(\w+)", DOCKERFILE)) == stages == {"pages", "packages", "model"}


def test_image_runs_unprivileged_with_a_health_check() -> None:
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.findall(r"^USER (.+)$", last, re.MULTILINE) == ["outcry"]
    assert last.index("\nUSER outcry") < last.index("\nENTRYPOINT")
    assert "/healthz" in last
    assert f"/{model.NAME}\n" in last


@pytest.mark.parametrize(
    ("given", "run_"),
    [
        ([], "manage.py serve --host 0.0.0.0 --port 8000"),
        (["web"], "manage.py serve --host 0.0.0.0 --port 8000"),
        (["web", "--server", "daphne"], "manage.py serve --host 0.0.0.0 --port 8000 --server daphne"),
        (["worker"], "manage.py work --host 0.0.0.0 --port 8000"),
        (["migrate"], "manage.py migrate --no-input"),
        (["check", "--deploy"], "manage.py check --deploy"),
    ],
)
def test_a_container_s_command_is_one_of_manage_py(tmp_path: Path, given: list[str], run_: str) -> None:
    stand_in = tmp_path / "python"
    stand_in.write_text('#!/bin/sh\necho "$@"\n')
    stand_in.chmod(0o755)
    command = ["sh", str(DEPLOY / "container.sh"), *given]
    done = subprocess.run(
        command, env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == run_
    assert (ROOT / "config" / "management" / "commands" / "serve.py").exists()
    assert (ROOT / "config" / "management" / "commands" / "work.py").exists()


def test_compose_starts_what_the_image_has_in_the_right_order() -> None:
    services = COMPOSE["services"]
    assert set(services) == {"postgres", "redis", "migrate", "worker", "web", "nginx"}
    for name in ("migrate", "worker", "web"):
        assert services[name]["command"] == [name]
        assert services[name]["read_only"]
        assert services[name]["cap_drop"] == ["ALL"]
    for name in ("worker", "web"):
        waits = services[name]["depends_on"]
        assert waits["migrate"]["condition"] == "service_completed_successfully"
        assert waits["redis"]["condition"] == waits["postgres"]["condition"] == "service_healthy"
    assert [name for name, service in services.items() if service.get("ports")] == ["nginx"]


@pytest.mark.parametrize("name", COMPOSE["services"])
def test_each_container_has_limits_and_few_rights(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["read_only"]
    assert service["mem_limit"]
    assert service["pids_limit"] <= 512
    # Only PostgreSQL's entry point needs any.
    assert name == "postgres" or "cap_add" not in service


def test_compose_gives_nginx_all_that_its_template_asks_for() -> None:
    asked = set(re.findall(r"\$\{(\w+)\}", proxy.TEMPLATE.read_text(encoding="utf-8")))
    given = COMPOSE["services"]["nginx"]["environment"]
    assert asked == {name for name in given if name.startswith("OUTCRY_")}
    assert re.fullmatch(given["NGINX_ENVSUBST_FILTER"] + ".*", "OUTCRY_LISTEN")


# systemd


def test_units_take_longer_to_end_than_a_process_needs() -> None:
    grace = 5
    for unit in SERVING:
        [seconds] = re.findall(r"^TimeoutStopSec=(\d+)$", unit.read_text(), re.MULTILINE)
        assert int(seconds) > grace + servers.STREAMS_SECONDS + 10
    [seconds] = re.findall(r"(\d+)s", COMPOSE["x-outcry"]["stop_grace_period"])
    assert int(seconds) > grace + servers.STREAMS_SECONDS + 10


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_units_give_away_no_rights(unit: Path) -> None:
    lines = unit.read_text().splitlines()
    for line in (
        "User=outcry",
        "DynamicUser=yes",
        "NoNewPrivileges=yes",
        "CapabilityBoundingSet=",
        "ProtectSystem=strict",
        "ProtectHome=yes",
        "MemoryMax=2G",
        "TasksMax=512",
        "IPAddressDeny=link-local multicast",
        "StateDirectory=outcry",
        "EnvironmentFile=/etc/outcry/outcry.env",
    ):
        assert line in lines, line


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not on this machine")
@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: str(unit.name))
def test_systemd_understands_the_units(unit: Path) -> None:
    with tempfile.TemporaryDirectory() as place:
        # Nothing is installed where the unit says.
        here = Path(place) / unit.name.replace("@", "@8001")
        here.write_text(unit.read_text().replace("/opt/outcry/.venv/bin/python", "/bin/true"))
        done = subprocess.run(
            ["systemd-analyze", "verify", here], capture_output=True, text=True, check=False
        )
    assert (done.returncode, done.stderr) == (0, "")
