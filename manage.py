#!/usr/bin/env python
"""Django's command line."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from config.env.private_files import make_files_private

if __name__ == "__main__":
    # Collected files hold no secret, and the server that sends them may run as another user.
    if "collectstatic" not in sys.argv:
        make_files_private()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as wrong:
        if "--traceback" in sys.argv:
            raise
        sys.exit(f"Outcry does not start. {wrong}")
