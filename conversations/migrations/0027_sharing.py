import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('conversations', '0026_event_texts'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='conversation',
            name='organisation',
            field=models.ForeignKey(blank=True, db_index=False, help_text='Empty: it is personal.', null=True, on_delete=django.db.models.deletion.PROTECT, related_name='conversations', to='conversations.organisation'),
        ),
        migrations.AddField(
            model_name='conversation',
            name='sharing',
            field=models.CharField(choices=[('private', 'Only you'), ('organisation', 'Everybody in the organisation'), ('members', 'Some members')], db_default='private', default='private', help_text='Who in its organisation may watch it.', max_length=12),
        ),
        migrations.AlterField(
            model_name='auditentry',
            name='action',
            field=models.CharField(choices=[('signed_in', 'signed in'), ('sign_in_failed', 'failed to sign in'), ('signed_out', 'signed out'), ('signed_up', 'signed up'), ('sessions_ended', 'ended other sessions'), ('password_changed', 'changed the password'), ('password_reset', 'reset the password by mail'), ('email_added', 'added a mail address'), ('email_confirmed', 'confirmed a mail address'), ('email_changed', 'changed the primary mail address'), ('email_removed', 'removed a mail address'), ('provider_added', 'connected a sign-in provider'), ('provider_removed', 'disconnected a sign-in provider'), ('second_factor_added', 'added a second factor'), ('second_factor_removed', 'removed a second factor'), ('second_factor_reset', 'created new recovery codes'), ('second_factor_failed', 'gave a wrong second factor'), ('key_created', 'created an API key'), ('key_rotated', "replaced an API key's secret"), ('key_revoked', 'revoked an API key'), ('transcript_read', "read somebody else's debate"), ('debate_shared', 'changed who may watch a debate'), ('debate_commanded', "commanded somebody else's debate"), ('exported', 'exported data'), ('announced', 'sent an announcement'), ('invited', 'created an invitation'), ('organisation_created', 'created an organisation'), ('organisation_renamed', 'renamed an organisation'), ('member_invited', 'invited somebody to an organisation'), ('invitation_withdrawn', 'withdrew an invitation to an organisation'), ('member_joined', 'joined an organisation'), ('member_left', 'left an organisation'), ('member_removed', 'removed somebody from an organisation'), ('role_changed', 'changed a role in an organisation'), ('admin_changed', 'changed data in the administration'), ('settings_changed', 'started with other settings'), ('hold_placed', 'placed a legal hold'), ('hold_lifted', 'lifted a legal hold'), ('erasure_begun', 'asked to erase a person'), ('erasure_refused', 'was refused to erase a person'), ('erased', 'erased a person')], max_length=30),
        ),
        migrations.CreateModel(
            name='ConversationShare',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('conversation', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name='shares', to='conversations.conversation')),
                ('person', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='shares', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('conversation', 'person'), name='share_once')],
            },
        ),
    ]
