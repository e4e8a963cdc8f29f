from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "outcry"

    def ready(self) -> None:
        from config import checks, deployment, stores  # noqa: F401 (registers them)
