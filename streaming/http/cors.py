"""CORS for the streaming endpoints: the rules of django-cors-headers, which Django's own responses follow, too."""

from io import BytesIO

from corsheaders.middleware import CorsMiddleware
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpResponse
from starlette.datastructures import MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send


class CrossOrigin:
    """ASGI middleware around one endpoint. Starlette's own would answer a preflight differently from
    django-cors-headers."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application
        self._rules = CorsMiddleware(lambda _: HttpResponse())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = ASGIRequest(scope, BytesIO())
        preflight = self._rules.check_preflight(request)
        django_response = HttpResponse() if preflight is None else preflight
        others = set(django_response.headers)
        self._rules.add_response_headers(request, django_response)

        async def send_response(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in django_response.items():
                    if name not in others:
                        headers.append(name, value)
            await send(message)

        await (self._application if preflight is None else Response())(scope, receive, send_response)
