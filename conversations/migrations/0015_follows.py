import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("conversations", "0014_history"),
    ]

    operations = [
        migrations.AddField(
            model_name="conversation",
            name="follows",
            field=models.ForeignKey(
                blank=True,
                help_text="The earlier debate that its agents know.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="followed_by",
                to="conversations.conversation",
            ),
        ),
    ]
