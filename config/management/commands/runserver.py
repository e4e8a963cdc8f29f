"""`manage.py runserver`: Daphne, Channels' development server.

It is imported here and is no installed app, since every process would pay for Twisted: 0.8 s of CPU and 40 MB.
"""

from daphne.management.commands.runserver import Command

__all__ = ["Command"]
