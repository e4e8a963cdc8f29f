from django.db import migrations


class Migration(migrations.Migration):
    """Renames the model alone: the table keeps its name, for an older process that runs during the upgrade."""

    dependencies = [("conversations", "0008_events_index")]

    operations = [
        migrations.AlterModelTable("tally", "conversations_tally"),
        migrations.RenameModel("Tally", "LedgerEntry"),
        migrations.AlterModelOptions("ledgerentry", {"verbose_name_plural": "ledger entries"}),
    ]
