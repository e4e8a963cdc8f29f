from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "outcry"

    def ready(self) -> None:
        from config.accounts import audit_trail  # noqa: F401 (connects it)
        from config.checks import deployment, evidence, stores  # noqa: F401 (registers them)
