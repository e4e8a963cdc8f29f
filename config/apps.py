from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "outcry"

    def ready(self) -> None:
        from config.accounts import audit_trail, notifications  # noqa: F401 (connects them)
        from config.checks import deployment, stores  # noqa: F401 (registers them)
