"""Settings, all from the environment or `.env`; every one is explained in `.env.example`.

A wrong value stops the start with a sentence that names the setting.
"""

from pathlib import Path
from typing import Any

import environ
from corsheaders.defaults import default_headers
from django.core.exceptions import ImproperlyConfigured

from config.env import sso, static_files, stores
from config.env.evidence import evidence_sources
from config.env.mail import mail_settings
from config.env.parsing import choice, flag, number, rate, text, whole, words
from config.env.prices import prices
from config.env.private_files import keep_private
from config.env.secret_key import secret_key
from config.env.site import OWN_MACHINE, site_url
from config.env.telemetry import is_telemetry_on, metrics_networks, metrics_token
from config.env.transports import (
    a2a_secret,
    cross_origin_paths,
    left_out,
    path,
    require_apart,
    targets,
    transports,
)
from config.observability.logs import configure_logs
from conversations.local_model import models as local_models

BASE_DIR = Path(__file__).resolve().parent.parent

environ.Env.read_env(BASE_DIR / ".env")

DATA_DIR = (BASE_DIR / text("OUTCRY_DATA_DIR", "var")).resolve()
try:
    keep_private(DATA_DIR)
except OSError as failure:
    raise ImproperlyConfigured(
        f"OUTCRY_DATA_DIR={str(DATA_DIR)!r} cannot be made ({failure.strerror}): use a folder that may be written to."
    ) from None

# Security

DEBUG = flag("DEBUG", default=False)
# True if the site is public: people reach it by https, directly or through a proxy.
HTTPS = flag("OUTCRY_HTTPS", default=False)

SECRET_KEY = secret_key(DATA_DIR, is_public=HTTPS)
# Earlier secret keys; data that was signed or encrypted with them stays valid.
SECRET_KEY_FALLBACKS = words("SECRET_KEY_FALLBACKS")
# Where people open the site. Links in mails begin with it, never with a host that a request names.
OUTCRY_SITE_URL = site_url()
ALLOWED_HOSTS = words("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]")
CSRF_TRUSTED_ORIGINS = words("CSRF_TRUSTED_ORIGINS")
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = HTTPS
SECURE_HSTS_SECONDS = 31_536_000 if HTTPS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = HTTPS
SECURE_PROXY_SSL_HEADER = (
    ("HTTP_X_FORWARDED_PROTO", "https") if flag("OUTCRY_BEHIND_PROXY", default=False) else None
)
# Features of a browser that no page of the site uses, so that no script that gets into one can either.
UNUSED_FEATURES = (
    *("accelerometer", "browsing-topics", "camera", "display-capture", "encrypted-media"),
    *("geolocation", "gyroscope", "hid", "magnetometer", "microphone", "midi", "payment", "serial", "usb"),
    "xr-spatial-tracking",
)
# Headers of every response. No other site's page may embed one; pages of OUTCRY_CORS_ORIGINS ask by CORS, which is not
# embedding. Browsers would look up the hosts of links in a model's answer before a click.
OUTCRY_RESPONSE_HEADERS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in UNUSED_FEATURES),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-DNS-Prefetch-Control": "off",
}
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'"],
        "style-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "manifest-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

# Stores

DATABASES = stores.databases(DATA_DIR)
REDIS_URL = stores.redis("REDIS_URL", text("REDIS_URL"))
CACHES = stores.caches(REDIS_URL)
CHANNEL_LAYERS = stores.channel_layers(
    [stores.redis("OUTCRY_CHANNEL_REDIS_URLS", url) for url in words("OUTCRY_CHANNEL_REDIS_URLS", REDIS_URL)]
    if REDIS_URL
    else []
)

# Applications

# Sites whose pages may call the APIs with an API key in a header; cookies are not accepted from them.
OUTCRY_CORS_ORIGINS = CORS_ALLOWED_ORIGINS = words("OUTCRY_CORS_ORIGINS")
INSTALLED_APPS = [
    "config",
    "frontend",
    "streaming",
    "conversations",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    *(["corsheaders"] if CORS_ALLOWED_ORIGINS else []),
    "ninja",
    "csp",
    "django_vite",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.google",
    "allauth.socialaccount.providers.github",
    "allauth.socialaccount.providers.openid_connect",
    # The queue of debates for workers. On PostgreSQL its tables are always there, so that workers may be added later.
    *(["procrastinate.contrib.django"] if DATABASES["default"]["ENGINE"] == stores.POSTGRESQL else []),
]
MIDDLEWARE = [
    "streaming.monitoring.probes.probes",
    # Before every middleware that may answer by itself.
    *(["corsheaders.middleware.CorsMiddleware"] if CORS_ALLOWED_ORIGINS else []),
    "config.accounts.middleware.ResponseHeaders",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    # After WhiteNoise, which has compressed files of its own.
    "config.compression.Compression",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "config.accounts.second_factor.RequireSecondFactor",
    "config.accounts.middleware.RetryAfter",
    "config.accounts.middleware.ProviderPages",
]
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "frontend.preferences.context",
            ],
        },
    },
]
# Bytes of a body that Django reads into memory: the longest content has 6 MB if JSON escapes every character as a
# surrogate pair.
DATA_UPLOAD_MAX_MEMORY_SIZE = 8 * 1024 * 1024
# Uploads are written to disk while they arrive, never to memory.
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.TemporaryFileUploadHandler"]
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"

# Static files: hashed and compressed if `collectstatic` has been run for this version, else unchanged

STATIC_URL = "static/"
STATIC_ROOT = Path(text("OUTCRY_STATIC_DIR", str(DATA_DIR / "static")))
# WhiteNoise warns about a missing folder.
STATIC_ROOT.mkdir(parents=True, exist_ok=True)
STATICFILES_DIRS = [BASE_DIR / "frontend" / "dist"]
STATIC_COLLECTED = static_files.is_collected(STATIC_ROOT, STATICFILES_DIRS[0])
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "config.env.static_files.Collected"
        if STATIC_COLLECTED
        else "config.env.static_files.Found"
    },
}
WHITENOISE_USE_FINDERS = not STATIC_COLLECTED
WHITENOISE_IMMUTABLE_FILE_TEST = static_files.IMMUTABLE
DJANGO_VITE = {
    "default": {"dev_mode": False, "manifest_path": str(BASE_DIR / "frontend" / "dist" / "manifest.json")},
}

# Accounts

AUTHENTICATION_BACKENDS = [
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "dashboard"
ACCOUNT_LOGOUT_REDIRECT_URL = "account_login"
ACCOUNT_ADAPTER = "config.accounts.adapters.AccountAdapter"
ACCOUNT_FORMS = {
    "change_password": "config.accounts.forms.ChangePasswordForm",
    "reset_password_from_key": "config.accounts.forms.ResetPasswordKeyForm",
}
# Who may make an account. Where others than this machine's people reach the site, only those who are invited.
OUTCRY_SIGN_UP = choice(
    "OUTCRY_SIGN_UP",
    "invitation" if HTTPS or set(ALLOWED_HOSTS) - OWN_MACHINE else "open",
    ("open", "invitation", "domain", "closed"),
)
# Mail domains whose people may sign up with OUTCRY_SIGN_UP=domain.
OUTCRY_SIGN_UP_DOMAINS = [domain.lower() for domain in words("OUTCRY_SIGN_UP_DOMAINS")]
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = choice(
    "ACCOUNT_EMAIL_VERIFICATION", "optional", ("none", "optional", "mandatory")
)
# The password reset does not reveal whether an address has an account; with 'mandatory', neither does signing up.
ACCOUNT_PREVENT_ENUMERATION = True
# Notify users by mail of a changed password, address or second factor.
ACCOUNT_EMAIL_NOTIFICATIONS = True
# A stolen session must not become a stolen account: before addresses, providers, second factors and API keys change,
# people give their password or second factor once more.
ACCOUNT_REAUTHENTICATION_REQUIRED = True
# The longest life of an API key, in days; None: no limit.
OUTCRY_KEY_DAYS = whole("OUTCRY_KEY_DAYS", None, least=1)
ACCOUNT_EMAIL_SUBJECT_PREFIX = "[Outcry] "
ACCOUNT_DEFAULT_HTTP_PROTOCOL = "https" if HTTPS else "http"
# allauth's rate limits count by client address. Each trusted proxy appends one to X-Forwarded-For.
ALLAUTH_TRUSTED_PROXY_COUNT = whole("OUTCRY_PROXY_COUNT", 1 if SECURE_PROXY_SSL_HEADER else 0)

# Of whom a second factor is required; others may have one.
OUTCRY_SECOND_FACTOR = choice("OUTCRY_SECOND_FACTOR", "optional", ("optional", "staff", "all"))
MFA_ADAPTER = "config.accounts.adapters.MFAAdapter"
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
MFA_TOTP_ISSUER = "Outcry"

USERSESSIONS_ADAPTER = "config.accounts.adapters.UserSessionsAdapter"

SOCIALACCOUNT_ADAPTER = "config.accounts.adapters.SocialAccountAdapter"
SOCIALACCOUNT_PROVIDERS = sso.providers()
# A provider's verified address does not sign in to an existing account; its owner has to connect the two.
SOCIALACCOUNT_EMAIL_AUTHENTICATION = False
SOCIALACCOUNT_STORE_TOKENS = False

# Mail: printed to the terminal unless a server is given

_email_url = text("EMAIL_URL", "consolemail://")
vars().update(mail_settings(_email_url))
MAILS_GO_TO_TERMINAL = _email_url.startswith("consolemail:")
DEFAULT_FROM_EMAIL = SERVER_EMAIL = text("DEFAULT_FROM_EMAIL", "outcry@localhost")

# Debates

# Debates are executed in this process, or by workers (`manage.py work`) that take them from a queue.
OUTCRY_RUNNER = choice("OUTCRY_RUNNER", "process", ("process", "worker"))
# Debates that one worker executes at once; further ones wait in the queue.
OUTCRY_WORKER_DEBATES = whole("OUTCRY_WORKER_DEBATES", 100, least=1)
OUTCRY_PROVIDERS = words("OUTCRY_PROVIDERS", "local")
# Whether a scripted demo, marked as one, replaces a debate's providers if none answers; else it ends with an error.
OUTCRY_DEMO_FALLBACK = flag("OUTCRY_DEMO_FALLBACK", default=True)
OUTCRY_MAX_RUNNING_PER_USER = whole("OUTCRY_MAX_RUNNING_PER_USER", 5, least=1)
# Where this machine keeps the DuckDB files of datasets, and how much data one user may have.
OUTCRY_DATASETS_FOLDER = DATA_DIR / "datasets"
OUTCRY_MAX_DATASET_MB = whole("OUTCRY_MAX_DATASET_MB", 200, least=1)
OUTCRY_MAX_DATASET_TABLES = whole("OUTCRY_MAX_DATASET_TABLES", 20, least=1)
# How often one user may start debates; control them and speak in them; ask for estimates; and read.
OUTCRY_START_RATE = rate("OUTCRY_START_RATE", "30/minute")
OUTCRY_CONTROL_RATE = rate("OUTCRY_CONTROL_RATE", "120/minute")
OUTCRY_ESTIMATE_RATE = rate("OUTCRY_ESTIMATE_RATE", "120/minute")
OUTCRY_READ_RATE = rate("OUTCRY_READ_RATE", "1200/minute")
# Days that a debate is kept after its end; None: without limit.
OUTCRY_RETENTION_DAYS = whole("OUTCRY_RETENTION_DAYS", None, least=1)
# Prices of models that have no public one, or another one.
OUTCRY_PRICES = prices("OUTCRY_PRICES")
# What debates may spend: US dollars, tokens in and out, and seconds of turns. None: no limit. Days are of UTC.
OUTCRY_MAX_USD_PER_CONVERSATION = number("OUTCRY_MAX_USD_PER_CONVERSATION", None, least=0.0001)
OUTCRY_MAX_USD_PER_USER_DAY = number("OUTCRY_MAX_USD_PER_USER_DAY", None, least=0.0001)
OUTCRY_MAX_USD_PER_DAY = number("OUTCRY_MAX_USD_PER_DAY", None, least=0.0001)
OUTCRY_MAX_TOKENS_PER_CONVERSATION = whole("OUTCRY_MAX_TOKENS_PER_CONVERSATION", None, least=1)
OUTCRY_MAX_TOKENS_PER_USER_DAY = whole("OUTCRY_MAX_TOKENS_PER_USER_DAY", None, least=1)
OUTCRY_MAX_TOKENS_PER_DAY = whole("OUTCRY_MAX_TOKENS_PER_DAY", None, least=1)
OUTCRY_MAX_SECONDS_PER_CONVERSATION = whole("OUTCRY_MAX_SECONDS_PER_CONVERSATION", 3600, least=1)
OUTCRY_MAX_SECONDS_PER_USER_DAY = whole("OUTCRY_MAX_SECONDS_PER_USER_DAY", None, least=1)
OUTCRY_MAX_SECONDS_PER_DAY = whole("OUTCRY_MAX_SECONDS_PER_DAY", None, least=1)
# Timeouts in seconds: until a model's first token, and between two.
OUTCRY_FIRST_TOKEN_SECONDS = number("OUTCRY_FIRST_TOKEN_SECONDS", 60, least=0.1)
OUTCRY_STALL_SECONDS = number("OUTCRY_STALL_SECONDS", 10, least=0.1)
# For an answer that is not streamed, which is the verdict.
OUTCRY_WHOLE_ANSWER_SECONDS = number("OUTCRY_WHOLE_ANSWER_SECONDS", 180, least=0.1)
# For a person's answer to an agent's question.
OUTCRY_INPUT_TIMEOUT_SECONDS = number("OUTCRY_INPUT_TIMEOUT_SECONDS", 300, least=1)
# Tokens of one conversation reach its watchers no faster than this; None: as fast as the model sends them.
OUTCRY_MAX_TOKENS_PER_SECOND = number("OUTCRY_MAX_TOKENS_PER_SECOND", None, least=0.1)
# Estimated tokens of a prompt; earlier messages are left out to stay within it, and long texts are refused or cut.
OUTCRY_MAX_PROMPT_TOKENS = whole("OUTCRY_MAX_PROMPT_TOKENS", 32_000, least=1_000)
OUTCRY_MAX_ANSWER_TOKENS = whole("OUTCRY_MAX_ANSWER_TOKENS", 4000, least=16)
OUTCRY_DEMO_TOKENS_PER_SECOND = number("OUTCRY_DEMO_TOKENS_PER_SECOND", 40, least=1)
OUTCRY_LOCAL_MODEL = Path(
    text("OUTCRY_LOCAL_MODEL", str(DATA_DIR / "models" / local_models.chosen(OUTCRY_PROVIDERS).file))
)
OUTCRY_LOCAL_STATE = DATA_DIR / "local-model.json"
# Sources of figures beside the library.
OUTCRY_EVIDENCE = evidence_sources(BASE_DIR)
# Seconds that a debate waits for the database during an outage.
OUTCRY_DATABASE_PATIENCE_SECONDS = number("OUTCRY_DATABASE_PATIENCE_SECONDS", 60)
# Seconds that turns may take to finish when the server stops; unfinished turns are repeated by the next process.
OUTCRY_GRACE_SECONDS = number("OUTCRY_GRACE_SECONDS", 5)
# Seconds after which a lease expires without a heartbeat, and between two heartbeats.
OUTCRY_LEASE_SECONDS = number("OUTCRY_LEASE_SECONDS", 15, least=0.1)
OUTCRY_LEASE_HEARTBEAT_SECONDS = number("OUTCRY_LEASE_HEARTBEAT_SECONDS", 5, least=0.01)
if OUTCRY_LEASE_HEARTBEAT_SECONDS > OUTCRY_LEASE_SECONDS / 3:
    raise ImproperlyConfigured(
        f"Unexpected value OUTCRY_LEASE_HEARTBEAT_SECONDS={OUTCRY_LEASE_HEARTBEAT_SECONDS:g},"
        f" use at most a third of OUTCRY_LEASE_SECONDS, which is {OUTCRY_LEASE_SECONDS:g}."
    )

# Streaming

# The web server of `manage.py serve`.
OUTCRY_WEB_SERVER = choice("OUTCRY_WEB_SERVER", "uvicorn", ("uvicorn", "daphne"))
# Which transports are enabled, at which paths, and the event types that each leaves out.
OUTCRY_TRANSPORTS = transports()
OUTCRY_WEBSOCKET_PATH = path("OUTCRY_WEBSOCKET_PATH", "ws/conversations/")
OUTCRY_SSE_PATH = path("OUTCRY_SSE_PATH", "api/conversations/")
OUTCRY_OPENAI_PATH = path("OUTCRY_OPENAI_PATH", "api/v1/")
OUTCRY_AGUI_PATH = path("OUTCRY_AGUI_PATH", "ag-ui/")
OUTCRY_A2A_PATH = path("OUTCRY_A2A_PATH", "a2a/")
require_apart(
    OUTCRY_TRANSPORTS,
    sse=OUTCRY_SSE_PATH,
    openai=OUTCRY_OPENAI_PATH,
    agui=OUTCRY_AGUI_PATH,
    a2a=OUTCRY_A2A_PATH,
)
# A2A agents that every finished debate is sent to.
OUTCRY_A2A_TARGETS = targets()
OUTCRY_A2A_SECRET = a2a_secret()
OUTCRY_EVENTS = left_out()
CORS_URLS_REGEX = cross_origin_paths(OUTCRY_SSE_PATH, OUTCRY_OPENAI_PATH, OUTCRY_AGUI_PATH, OUTCRY_A2A_PATH)
# Headers that OpenAI's client sends from a page; its requests fail if one of them is not allowed.
OPENAI_CLIENT_HEADERS = (
    "openai-organization",
    "openai-project",
    "x-stainless-arch",
    "x-stainless-helper-method",
    "x-stainless-lang",
    "x-stainless-os",
    "x-stainless-package-version",
    "x-stainless-retry-count",
    "x-stainless-runtime",
    "x-stainless-runtime-version",
    "x-stainless-timeout",
)
CORS_ALLOW_HEADERS = (
    *default_headers,
    "x-api-key",
    "last-event-id",
    "a2a-version",
    "a2a-extensions",
    *OPENAI_CLIENT_HEADERS,
)
CORS_EXPOSE_HEADERS = ("x-outcry-conversation", "retry-after")
OUTCRY_HEARTBEAT_SECONDS = number("OUTCRY_HEARTBEAT_SECONDS", 20, least=0.1)
# Seconds that a connection may stay without a conversation or paused; and that any may last.
OUTCRY_IDLE_SECONDS = number("OUTCRY_IDLE_SECONDS", 600, least=1)
OUTCRY_SESSION_SECONDS = number("OUTCRY_SESSION_SECONDS", 43_200, least=1)
# Connections of one user at once in this process: WebSockets and streams.
OUTCRY_MAX_CONNECTIONS_PER_USER = whole("OUTCRY_MAX_CONNECTIONS_PER_USER", 200, least=1)
# What one connection may do: frames a second, bytes that it has not read, seconds for a request's head and body.
OUTCRY_MAX_FRAMES_PER_SECOND = whole("OUTCRY_MAX_FRAMES_PER_SECOND", 50, least=1)
OUTCRY_MAX_UNREAD_BYTES = whole("OUTCRY_MAX_UNREAD_BYTES", 1024 * 1024, least=256 * 1024)
OUTCRY_REQUEST_SECONDS = number("OUTCRY_REQUEST_SECONDS", 60, least=1)

# Monitoring: without one of these there is no /metrics

OUTCRY_METRICS_TOKEN = metrics_token(text("OUTCRY_METRICS_TOKEN"))
OUTCRY_METRICS_NETWORKS = metrics_networks(words("OUTCRY_METRICS_NETWORKS"))

# Traces: without a collector there are none

OUTCRY_TELEMETRY = is_telemetry_on()
# The name of this release in traces and metrics.
OUTCRY_VERSION = text("OUTCRY_VERSION", "unreleased")

# Logs

LOGGING_CONFIG = None
configure_logs(
    traced=OUTCRY_TELEMETRY,
    json=choice("OUTCRY_LOG_FORMAT", "text", ("text", "json")) == "json",
    known=[SECRET_KEY, *SECRET_KEY_FALLBACKS],
    level=choice("OUTCRY_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
)
