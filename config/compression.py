"""Compression of pages and of the JSON API. Static files are compressed when they are collected. The streaming
endpoints answer without Django's middlewares, and are never compressed."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class Compression(GZipMiddleware):
    """Compresses with gzip if the client accepts it. Random bytes hide the length of the text, against BREACH."""

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if response.headers.get("Content-Type", "").startswith("application/zip"):
            # It is compressed already.
            return response
        return super().process_response(request, response)
