from django.db import migrations, models

from conversations.migrations._operations import AddIndexWithoutLock, RemoveIndexWithoutLock

_ORDER = ["-pinned_at", "-created_at", "-id"]


class Migration(migrations.Migration):
    # The table is the busiest one, and the site goes on.
    atomic = False

    dependencies = [
        ("conversations", "0027_sharing"),
    ]

    operations = [
        AddIndexWithoutLock(
            model_name="conversation",
            index=models.Index(
                fields=["owner", *_ORDER],
                name="history_of_person",
                condition=models.Q(("deleted_at", None), ("organisation", None)),
            ),
        ),
        AddIndexWithoutLock(
            model_name="conversation",
            index=models.Index(
                fields=["organisation", *_ORDER],
                name="history_of_organisation",
                condition=models.Q(("organisation__isnull", False)),
            ),
        ),
        # The list of a person has the first of these instead.
        RemoveIndexWithoutLock(model_name="conversation", name="history_of_owner"),
    ]
