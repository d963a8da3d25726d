"""An MCP server behind Postern on FastMCP, as it comes: who calls is told by a token that
FastMCP's own verifier checks.

Arguments: issuer, its own URL, port. It prints "waiting" when the call of wait goes on, and
"cancelled" when it was.
"""

import asyncio
import sys

from fastmcp import Context, FastMCP
from fastmcp.server.auth.providers.jwt import JWTVerifier
from fastmcp.server.dependencies import get_access_token

issuer, url, port = sys.argv[1:]
keys = issuer + "/.well-known/identity-jwks.json"
mcp = FastMCP("behind", auth=JWTVerifier(jwks_uri=keys, issuer=issuer, audience=url, algorithm="ES256"))


@mcp.tool
def whoami() -> str:
    return get_access_token().claims["sub"]


@mcp.tool
async def count(ctx: Context) -> str:
    for i in (1, 2, 3):
        await ctx.report_progress(i, 3)
    return "counted"


@mcp.tool
async def wait(ctx: Context) -> str:
    await ctx.report_progress(1)
    print("waiting", flush=True)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("cancelled", flush=True)
        raise
    return "never"


mcp.run(transport="http", host="127.0.0.1", port=int(port), show_banner=False)
