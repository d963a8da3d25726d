"""An MCP server on FastMCP that speaks over standard input and output, for a Postern that runs
it as a command: who calls is told in the _meta of each request.

It says "cancelled" on its standard error when the call of wait was.
"""

import asyncio
import sys

from fastmcp import Context, FastMCP

mcp = FastMCP("behind")


@mcp.tool
def whoami(ctx: Context) -> str:
    return ctx.request_context.meta["dev.postern/caller"]["sub"]


@mcp.tool
async def count(ctx: Context) -> str:
    for i in (1, 2, 3):
        await ctx.report_progress(i, 3)
    return "counted"


@mcp.tool
async def wait(ctx: Context) -> str:
    await ctx.report_progress(1)
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        print("cancelled", file=sys.stderr, flush=True)
        raise
    return "never"


mcp.run(show_banner=False)
