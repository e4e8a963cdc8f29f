"""`manage.py serve`: everything one machine needs, in one process and the local model's."""

import asyncio
import os
import secrets
from argparse import ArgumentParser
from typing import Any

from daphne.server import Server  # first: it chooses Twisted's reactor
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError
from twisted.internet import reactor
from twisted.internet.defer import Deferred

from config import life
from config.asgi import application
from conversations import chunks, local_service, log, providers
from conversations.errors import ProviderError
from conversations.lineup import lineup

DEMO = "demo"
# Connections that may wait to be accepted: after a restart all watchers come back at once, and Twisted's 50 would leave
# most of them to the retries of TCP.
BACKLOG = 2_048


class Command(BaseCommand):
    help = "Serve Outcry on this machine: a first account, the local model, and the web server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument(
            "--port", default=os.environ.get("PORT") or "8000", help="default: $PORT, else 8000"
        )

    def handle(self, *args: Any, host: str, port: str, **options: Any) -> None:
        if not port.isdecimal() or not 0 < int(port) < 65536:
            raise CommandError(f"PORT={port!r} is no port: use a number from 1 to 65535.")
        if settings.HTTPS and settings.SECURE_PROXY_SSL_HEADER is None:
            raise CommandError(
                "OUTCRY_HTTPS=true needs a proxy that speaks https before this server: set OUTCRY_BEHIND_PROXY=true."
            )
        self._greeting = [*self._account(), *self._models()]
        try:
            self._serve(host, int(port))
        finally:
            local_service.release()
            log.close()

    def _serve(self, host: str, port: int) -> None:
        address = host.replace(":", r"\:")
        endpoint = f"tcp:port={port}:interface={address}:backlog={BACKLOG}"
        server = Server(application, endpoints=[endpoint], server_name="outcry")
        greet = server.listen_success
        failed: list[str] = []

        def listening(bound: Any) -> None:
            greet(bound)
            shown = f"[{host}]" if ":" in host else host
            self.stdout.write(f"\nOutcry is at http://{shown}:{port}")
            self.stdout.write("\n".join(self._greeting))
            self.stdout.write("Ctrl-C stops it.\n")
            self.stdout.flush()

        def not_listening(failure: Any) -> None:
            failed.append(failure.getErrorMessage())
            server.abort_start = True
            server.stop()

        server.listen_success = listening
        server.listen_error = not_listening
        # Not callWhenRunning: that is before the event loop runs.
        reactor.callLater(0, life.begin)  # type: ignore[arg-type]
        reactor.addSystemEventTrigger("before", "shutdown", _end)  # type: ignore[arg-type]
        chunks.warm_up()
        life.settle()
        server.run()
        if failed:
            raise CommandError(f"Port {port} of {host} cannot be used: {failed[0]}")

    def _account(self) -> list[str]:
        """Make the first account where it is missing; how to sign in, in sentences."""
        users = get_user_model().objects
        if username := os.environ.get("DJANGO_SUPERUSER_USERNAME"):
            if users.filter(username=username).exists():
                return [f"Sign in as {username}."]
            password = os.environ.get("DJANGO_SUPERUSER_PASSWORD")
            if not password:
                raise CommandError(
                    "DJANGO_SUPERUSER_PASSWORD is not set, and DJANGO_SUPERUSER_USERNAME needs it."
                )
            users.create_superuser(username, os.environ.get("DJANGO_SUPERUSER_EMAIL", ""), password)
            return [f"Sign in as {username}, with the password from DJANGO_SUPERUSER_PASSWORD."]
        if users.filter(username=DEMO).exists():
            return [
                f"Sign in as {DEMO}; its password was shown when the account was made.",
                f"Lost it? .venv/bin/python manage.py changepassword {DEMO}",
            ]
        if users.exists():
            return ["Sign in with your account."]
        password = secrets.token_urlsafe(12)
        users.create_user(DEMO, password=password)
        return [f"Sign in as {DEMO} with the password {password} (shown only this once)."]

    def _models(self) -> list[str]:
        try:
            configured = providers.configured()
        except ValueError as failure:
            raise CommandError(f"OUTCRY_PROVIDERS is wrong: {failure}") from None
        try:
            local_service.keep_if_wanted(configured)
        except ProviderError as failure:
            raise CommandError(failure.message) from None
        speakers = [
            provider.label if provider.url else f"{provider.kind}, {provider.model}" for provider in lineup()
        ]
        return [f"The models that speak, in this order: {'; '.join(speakers)}."]


def _end() -> "Deferred[None]":
    return Deferred.fromFuture(asyncio.ensure_future(life.end()))
