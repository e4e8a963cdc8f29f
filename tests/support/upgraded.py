"""Goes on with a database of an earlier version, as an upgraded installation does: `python -m tests.support.upgraded`.

1. Migrates the database in OUTCRY_DATA_DIR.
2. Completes the debates that have not ended, with the stand-in model.
3. Prints as JSON what the database then holds: the log of each debate, by its topic, and the second factor's secret.
"""

import asyncio
import json

import django


async def _complete() -> None:
    from django.conf import settings

    from conversations.infrastructure import database
    from conversations.models import Conversation
    from conversations.runs import supervisor
    from tests.fakes.openai_server import OpenAIServer

    async with OpenAIServer() as server:
        settings.OUTCRY_PROVIDERS = [server.provider]
        for conversation in await database.call(list, Conversation.objects.running()):
            await supervisor.run(conversation.pk)


def main() -> None:
    django.setup()
    from allauth.mfa.adapter import get_adapter
    from allauth.mfa.models import Authenticator
    from django.core.management import call_command

    from conversations.event_log import appender, queries
    from conversations.models import Conversation

    call_command("migrate", verbosity=0)
    asyncio.run(_complete())
    appender.close()
    logs = {row.topic: list(queries.read_all(row.pk)) for row in Conversation.objects.all()}
    secret = get_adapter().decrypt(Authenticator.objects.get().data["secret"])
    print(json.dumps({"logs": logs, "second_factor": secret}))


if __name__ == "__main__":
    main()
