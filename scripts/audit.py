"""`make audit`: known vulnerabilities of the pinned packages, by pip-audit and npm.

Both ask a database on the network. An audit that cannot ask it is skipped, and says why; one that finds something
fails.
"""

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from scripts.console import describe, environment, say
from scripts.packages import DEVELOPMENT
from scripts.places import FRONTEND, ROOT, UV

# Run apart from the project's own packages, because nothing else needs it.
PIP_AUDIT: Final = "pip-audit==2.10.1"


@dataclass(frozen=True)
class Outcome:
    """`findings` are sentences for people, None if the audit could not be made; then `reason` says why."""

    findings: Sequence[str] | None
    reason: str = ""


def run() -> int:
    """Audit the Python packages and the front end's; 1 if anything was found."""
    outcomes = {"Python": python_packages(), "front end": npm_packages()}
    for name, outcome in outcomes.items():
        if outcome.findings is None:
            say(f"{name}: skipped, {outcome.reason}")
        elif outcome.findings:
            say(f"{name}: {len(outcome.findings)} found")
            print("\n".join(f"    {finding}" for finding in outcome.findings), flush=True)
        else:
            say(f"{name}: nothing is known")
    return int(any(outcome.findings for outcome in outcomes.values()))


def python_packages() -> Outcome:
    files = [part for file in DEVELOPMENT for part in ("--requirement", file)]
    options = ("--format", "json", "--progress-spinner", "off", "--disable-pip")
    report, reason = _report([UV, "tool", "run", "--from", PIP_AUDIT, "pip-audit", *options, *files], ROOT)
    if "dependencies" not in report:
        return Outcome(None, reason)
    findings = [
        f"{package['name']} {package['version']}: {found['id']}, fixed in {', '.join(found['fix_versions']) or 'none'}"
        for package in report["dependencies"]
        for found in package.get("vulns", [])
    ]
    return Outcome(findings)


def npm_packages() -> Outcome:
    report, reason = _report(["npm", "audit", "--json"], FRONTEND)
    if "vulnerabilities" not in report:
        return Outcome(None, report.get("message", reason))
    findings = [
        f"{name} {found.get('range', '')}: {found.get('severity', 'unknown severity')}"
        for name, found in report["vulnerabilities"].items()
    ]
    return Outcome(findings)


def _report(command: Sequence[str | Path], folder: Path) -> tuple[dict[str, Any], str]:
    """The JSON object that the command prints, empty if there is none; and the last line of its errors."""
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment({}), capture_output=True, text=True, check=False
        )
    except OSError as failure:
        return {}, f"{describe(command[:1])} does not start ({failure.strerror})"
    try:
        report = json.loads(done.stdout)
    except ValueError:
        report = {}
    errors = done.stderr.strip().splitlines() or [f"it ended with {done.returncode}"]
    return (report if isinstance(report, dict) else {}), errors[-1]
