from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "outcry"

    def ready(self) -> None:
        from config import checks  # noqa: F401 (registers them)
