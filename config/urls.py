"""Addresses of the site."""

from django.contrib import admin
from django.urls import include, path

from config.accounts.sign_up import accept_invitation
from config.api import api

urlpatterns = [
    path("", include("frontend.urls")),
    path("account/invitation/<str:token>/", accept_invitation, name="invitation"),
    path("accounts/", include("allauth.urls")),
    path("admin/", admin.site.urls),
    path("api/", api.urls),
]
