"""An MCP server on FastMCP, 2.13 to 4, as people run it whose clients are to come over to Postern: its OAuth
proxy in front of GitHub.

Arguments: its own URL, port, GitHub's URL, the client id and secret there, and where it stores its state:
"default", or disk:DIR, file:DIR, redis:URL, firestore:PROJECT, in each case as it comes, without encryption.
"""

import asyncio
import json
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

from fastmcp import FastMCP
from fastmcp.server.auth import AccessToken, TokenVerifier
from fastmcp.server.auth.oauth_proxy import OAuthProxy
from fastmcp.server.dependencies import get_access_token


class GitHubUser(TokenVerifier):
    """Takes a token if GitHub says whose it is."""

    async def verify_token(self, token: str) -> AccessToken | None:
        request = Request(github + "/user", headers={"Authorization": "Bearer " + token})
        try:
            answer = await asyncio.to_thread(urlopen, request)
        except HTTPError:
            return None
        login = json.load(answer)["login"]
        return AccessToken(token=token, client_id=client_id, scopes=["user"], claims={"login": login})


def store(where: str):
    kind, _, rest = where.partition(":")
    if kind == "disk":
        from key_value.aio.stores.disk import DiskStore

        return DiskStore(directory=rest)
    if kind == "file":
        from key_value.aio.stores.filetree import FileTreeStore

        return FileTreeStore(data_directory=rest)
    if kind == "redis":
        from key_value.aio.stores.redis import RedisStore

        return RedisStore(url=rest)
    if kind == "firestore":
        from google.auth.credentials import AnonymousCredentials
        from key_value.aio.stores.firestore import FirestoreStore

        return FirestoreStore(project=rest, credentials=AnonymousCredentials())
    return None


url, port, github, client_id, client_secret, where = sys.argv[1:]
mcp = FastMCP(
    "moving",
    auth=OAuthProxy(
        upstream_authorization_endpoint=github + "/login/oauth/authorize",
        upstream_token_endpoint=github + "/login/oauth/access_token",
        upstream_client_id=client_id,
        upstream_client_secret=client_secret,
        token_verifier=GitHubUser(required_scopes=["user"]),
        base_url=url,
        client_storage=store(where),
    ),
)


@mcp.tool
def whoami() -> str:
    return get_access_token().claims["login"]


mcp.run(transport="http", host="127.0.0.1", port=int(port), show_banner=False)
