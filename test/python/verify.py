"""Verifies tokens by FastMCP's own verifier, as an MCP server written in Python does.

Arguments: issuer, audience, address of the keys. Each line of the input is a token; each
line of the output is its claims in JSON, or null if it was refused.
"""

import asyncio
import json
import sys

from fastmcp.server.auth.providers.jwt import JWTVerifier


async def main(issuer: str, audience: str, keys: str) -> None:
    # ES256 is named, since JWTVerifier takes RS256 alone unless it is told otherwise.
    verifier = JWTVerifier(jwks_uri=keys, issuer=issuer, audience=audience, algorithm="ES256")
    for token in sys.stdin.read().split():
        access = await verifier.verify_token(token)
        print(json.dumps(access and access.claims))


asyncio.run(main(*sys.argv[1:]))
