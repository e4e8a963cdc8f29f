from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("conversations", "0018_source")]

    operations = [
        migrations.AddField(
            "conversation",
            "instrument",
            models.CharField(
                blank=True, db_default="", default="", help_text="Symbol of what it is about.", max_length=20
            ),
        ),
        migrations.AddField(
            "conversation",
            "as_of",
            models.DateTimeField(
                blank=True, help_text="The record's time; empty: when it was created.", null=True
            ),
        ),
    ]
