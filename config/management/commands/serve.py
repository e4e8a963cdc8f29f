"""`manage.py serve`: everything one machine needs, in one process and the local model's; or, with workers, the web."""

import os
import warnings
from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import CommandError

from config.accounts import first_account
from config.env.parsing import text
from config.management import servers
from config.process.preflight import ServingCommand
from conversations.access import audit
from conversations.domain.errors import ProviderError
from conversations.event_log import appender
from conversations.local_model import supervisor
from conversations.providers import catalog
from conversations.runs import job_queue


class Command(ServingCommand):
    help = "Serve Outcry on this machine: a first account, the local model, and the web server."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
        parser.add_argument(
            "--port", default=os.environ.get("PORT") or "8000", help="default: $PORT, else 8000"
        )
        parser.add_argument(
            "--server",
            choices=("uvicorn", "daphne"),
            default=settings.OUTCRY_WEB_SERVER,
            help="default: %(default)s",
        )

    def handle(self, *args: Any, host: str, port: str, server: str, **options: Any) -> None:
        number = servers.port_number("PORT", port)
        if settings.HTTPS and settings.SECURE_PROXY_SSL_HEADER is None:
            raise CommandError(
                "OUTCRY_HTTPS=true needs a proxy that speaks https before this server: set OUTCRY_BEHIND_PROXY=true."
            )
        address = f"http://{f'[{host}]' if ':' in host else host}:{port}"
        if not text("OUTCRY_SITE_URL"):
            # Nobody can open the address that means "on every network".
            settings.OUTCRY_SITE_URL = f"http://127.0.0.1:{port}" if host in {"0.0.0.0", "::"} else address  # noqa: S104

        def listening() -> None:
            lines = [f"\nOutcry is at {address}", *greeting, "Ctrl-C stops it.\n"]
            self.stdout.write("\n".join(lines))
            self.stdout.flush()

        # WhiteNoise's files are read whole, in a thread: they are small.
        warnings.filterwarnings("ignore", "StreamingHttpResponse must consume synchronous iterators")
        run = servers.serve_daphne if server == "daphne" else servers.serve_uvicorn
        try:
            greeting = [*first_account.ensure(), _prepare_models()]
            audit.note_settings(
                sign_up=settings.OUTCRY_SIGN_UP,
                second_factor=settings.OUTCRY_SECOND_FACTOR,
                email_verification=settings.ACCOUNT_EMAIL_VERIFICATION,
                retention_days=str(settings.OUTCRY_RETENTION_DAYS),
            )
            run(host, number, listening)
        except (ImproperlyConfigured, ProviderError) as failure:
            raise CommandError(str(failure)) from None
        finally:
            supervisor.release()
            appender.close()


def _prepare_models() -> str:
    """Start the local model if it is used. Returns the line of the greeting about who speaks."""
    if job_queue.is_used():
        return "Debates are run by workers: manage.py work."
    if catalog.uses_local_model():
        supervisor.require()
    speakers = [
        provider.label if provider.url else f"{provider.kind}, {provider.model}"
        for provider in catalog.by_preference()
    ]
    return f"The models that speak, in this order: {'; '.join(speakers)}."
