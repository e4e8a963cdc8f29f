"""An OpenID Connect provider over real HTTP: everybody who comes is the person it was given."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

ACCESS_TOKEN = "an-access-token-that-nobody-keeps"


@contextmanager
def openid_server(person: dict[str, Any]) -> Iterator[str]:
    """The provider's address. `person` are the claims it states."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = urlsplit(self.path)
            if asked.path == "/.well-known/openid-configuration":
                self._json(
                    {
                        "issuer": url,
                        "authorization_endpoint": f"{url}/authorize",
                        "token_endpoint": f"{url}/token",
                        "userinfo_endpoint": f"{url}/userinfo",
                        "jwks_uri": f"{url}/jwks",
                    }
                )
            elif asked.path == "/authorize":
                query = parse_qs(asked.query)
                back = urlencode({"code": "a-code", "state": query["state"][0]})
                self.send_response(302)
                self.send_header("Location", f"{query['redirect_uri'][0]}?{back}")
                self.end_headers()
            elif asked.path == "/userinfo" and self.headers["Authorization"] == f"Bearer {ACCESS_TOKEN}":
                self._json(person)
            else:
                self.send_error(404)

        def do_POST(self) -> None:
            sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            if "code_verifier" in sent:  # PKCE
                self._json({"access_token": ACCESS_TOKEN, "token_type": "Bearer"})
            else:
                self.send_error(400)

        def log_message(self, *_: Any) -> None:
            pass

        def _json(self, value: dict[str, Any]) -> None:
            body = json.dumps(value).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        url = f"http://127.0.0.1:{server.server_port}"
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield url
        finally:
            server.shutdown()
            thread.join()
