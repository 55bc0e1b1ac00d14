"""An MCP server for tests that needs no package, with what a server by a library does not do: odd tools, pages, a
sudden end.
"""

import json
import os
import sys

READS = {"annotations": {"readOnlyHint": True}}
PAGES = [
    [
        {"name": "count", "inputSchema": {"type": "object"}, **READS},
        {"name": "count", "inputSchema": {"type": "object"}},
        {"name": "two words", "inputSchema": {"type": "object"}},
    ],
    [
        {"name": "leads", "inputSchema": {"type": "object", "properties": {"a": {"$ref": "https://evil.example/a"}}}},
        {"name": "die", "inputSchema": {"type": "object"}},
    ],
]


def answer(method: str, given: dict) -> dict:
    if method == "initialize":
        about = {"name": "minimal", "version": "2026-preview"}
        return {"protocolVersion": given["protocolVersion"], "capabilities": {"tools": {}}, "serverInfo": about}
    if method == "tools/list":
        page = int(given.get("cursor") or 0)
        more = {"nextCursor": str(page + 1)} if page + 1 < len(PAGES) else {}
        return {"tools": PAGES[page], **more}
    if given["name"] == "die":
        sys.stderr.write(f"no licence {os.environ['KEY']}\n")
        sys.stderr.flush()
        os._exit(1)
    return {"content": [{"type": "text", "text": f"{os.getpid()}\0"}, {"type": "image", "data": "", "mimeType": "a/b"}]}


for line in sys.stdin:
    asked = json.loads(line)
    if "id" in asked:
        told = {"jsonrpc": "2.0", "id": asked["id"], "result": answer(asked["method"], asked.get("params") or {})}
        sys.stdout.write(json.dumps(told) + "\n")
        sys.stdout.flush()
