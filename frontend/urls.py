from django.urls import path
from django.views.generic import RedirectView

from frontend import views
from frontend.api_keys import api_keys
from frontend.datasets_page import datasets_page
from frontend.organisations import join, organisation, organisations
from frontend.record_data import prices
from frontend.sessions import end_session
from frontend.settings_page import settings_page, theme
from frontend.source_texts import source
from frontend.teams import new_team, team, teams
from frontend.your_data import your_data

_to_dashboard = RedirectView.as_view(pattern_name="dashboard", query_string=True)

urlpatterns = [
    path("", _to_dashboard),
    path("dashboard", views.dashboard, name="dashboard"),
    path("dashboard/", _to_dashboard),
    path("sample/", views.sample_debate, name="sample"),
    path("conversations/<uuid:conversation_id>/", views.conversation, name="conversation"),
    path("conversations/<uuid:conversation_id>/sources/<int:position>/", source, name="source"),
    path("conversations/<uuid:conversation_id>/prices/", prices, name="prices"),
    path("teams/", teams, name="teams"),
    path("teams/new/", new_team, name="new_team"),
    path("teams/<uuid:team_id>/", team, name="team"),
    path("account/", settings_page, name="settings"),
    path("account/theme/", theme, name="theme"),
    path("account/sessions/<int:session>/end/", end_session, name="end_session"),
    path("account/keys/", api_keys, name="api_keys"),
    path("account/datasets/", datasets_page, name="datasets"),
    path("account/data/", your_data, name="your_data"),
    path("account/organisations/", organisations, name="organisations"),
    path("o/join/<str:token>/", join, name="join"),
    path("o/<slug:slug>/dashboard", views.dashboard, name="organisation_dashboard"),
    path("o/<slug:slug>/settings/", organisation, name="organisation"),
    path("monitor/", views.monitor, name="monitor"),
]
