"""Sign-in through Google, GitHub and any OpenID Connect provider, configured by environment variables."""

from typing import Any

from config.env.parsing import text

# The variables that each provider needs. One that lacks any is not offered, and a system check reports it.
NEEDED: dict[str, tuple[str, ...]] = {
    "google": ("GOOGLE_CLIENT_ID", "GOOGLE_CLIENT_SECRET"),
    "github": ("GITHUB_CLIENT_ID", "GITHUB_CLIENT_SECRET"),
    "openid_connect": ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET", "OIDC_SERVER_URL"),
}


def missing(provider: str) -> list[str]:
    """The variables that a provider lacks; empty if all or none are set."""
    unset = [name for name in NEEDED[provider] if not text(name)]
    return [] if len(unset) == len(NEEDED[provider]) else unset


def oidc_provider_id() -> str:
    """The name of the OpenID Connect provider in its URLs."""
    return text("OIDC_PROVIDER_ID", "oidc")


def providers() -> dict[str, dict[str, Any]]:
    """SOCIALACCOUNT_PROVIDERS: those whose variables are all set."""
    configured: dict[str, dict[str, Any]] = {}
    for provider, (client_id, secret, *_) in NEEDED.items():
        if all(text(name) for name in NEEDED[provider]):
            app: dict[str, Any] = {"client_id": text(client_id), "secret": text(secret)}
            if provider == "openid_connect":
                app |= {
                    "provider_id": oidc_provider_id(),
                    "name": text("OIDC_NAME", "Single sign-on"),
                    "settings": {"server_url": text("OIDC_SERVER_URL"), "oauth_pkce_enabled": True},
                }
            configured[provider] = {"APPS": [app], "OAUTH_PKCE_ENABLED": True}
    return configured
