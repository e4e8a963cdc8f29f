import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("auth", "0012_alter_user_first_name_max_length"),
        ("conversations", "0015_follows"),
    ]

    operations = [
        migrations.CreateModel(
            name="Preferences",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="preferences",
                        serialize=False,
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("display_name", models.CharField(blank=True, db_default="", default="", max_length=60)),
                (
                    "time_zone",
                    models.CharField(
                        blank=True,
                        db_default="",
                        default="",
                        help_text="IANA name; empty: the browser's.",
                        max_length=64,
                    ),
                ),
                (
                    "theme",
                    models.CharField(
                        blank=True,
                        choices=[("light", "Light"), ("dark", "Dark")],
                        db_default="",
                        default="",
                        help_text="Empty: the system's.",
                        max_length=10,
                    ),
                ),
                (
                    "notify",
                    models.BooleanField(db_default=True, default=True, help_text="Desktop notifications."),
                ),
            ],
            options={"verbose_name_plural": "preferences"},
        ),
    ]
