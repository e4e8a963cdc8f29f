"""Compression of pages and of the JSON API. Static files are compressed when they are collected. The streaming
endpoints answer without Django's middlewares, and are never compressed."""

from typing import Final

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware

# Compressed already, or sent while it is produced.
_LEFT_AS_IT_IS: Final = ("application/zip", "text/event-stream")


class Compression(GZipMiddleware):
    """Compresses with gzip if the client accepts it. Random bytes hide the length of the text, against BREACH."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith(_LEFT_AS_IT_IS):
            return response
        return super().process_response(request, response)
