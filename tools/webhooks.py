"""The tool `webhook`: a request that its receiver can check, signed by the form of Standard Webhooks.

`webhook-id` is the same at each repetition, `webhook-timestamp` the time of sending in seconds since 1970, and
`webhook-signature` the HMAC-SHA256 of both and the body (standardwebhooks.com, version 1).
"""

import base64
import binascii
import hashlib
import json
from typing import Any

from langchain_core.tools import BaseTool
from pydantic import Field

from state.errors import ToolFailed
from state.ports import Clock
from state.runs import Json
from tools.effects import effects
from tools.http.api import HttpApi
from tools.http.messages import Caching, Common, HttpRequest, Method, Sending
from tools.making import made

_LEAST_BYTES = 24
"""Of a secret, as the specification asks."""


class WebhookRequest(Common, Sending):
    """What to send to whom."""

    method: Method = "POST"
    secret: str | None = Field(default=None, description="Name of the secret that signs, from the settings.")


class Webhooks:
    """Sends signed requests."""

    def __init__(self, api: HttpApi, clock: Clock) -> None:
        self._api = api
        self._clock = clock

    def tool(self) -> BaseTool:
        """`webhook`."""
        return made(
            coroutine=self._sent,
            name="webhook",
            description="Tells another system something, in a request that it can check the signature of.",
            args_schema=WebhookRequest,
            metadata=effects("write", "url"),
        )

    async def _sent(self, **given: Any) -> Json:
        asked = WebhookRequest(**given)
        text = asked.body if isinstance(asked.body, str) else "" if asked.body is None else json.dumps(asked.body)
        headers = dict(asked.headers)
        if text and "content-type" not in map(str.lower, headers):
            headers["Content-Type"] = "application/json"
        rest = asked.model_dump(exclude={"secret", "headers", "body"})
        request = HttpRequest(**rest, headers=headers, body=text, caching=Caching(mode="off"))
        signed = self._signed(asked, text) if asked.secret else {}
        return (await self._api.send(request, signed)).model_dump()

    def _signed(self, asked: WebhookRequest, text: str) -> dict[str, str]:
        """The three headers of the signature. Raises ToolFailed where the secret cannot sign."""
        from standardwebhooks import Webhook

        name, now = str(asked.secret), self._clock.now()
        secret = self._api.secret(name)
        if not _can_sign(secret):
            said = f"The secret {name!r} is no key of the form of Standard Webhooks."
            remedy = "Make one with `openssl rand -base64 32`, and write whsec_ before it."
            raise ToolFailed(said, "bad_input", remedy=remedy)
        key = asked.idempotency_key or f"{asked.url} {now.isoformat()}"
        id_ = f"msg_{hashlib.sha256(key.encode()).hexdigest()[:32]}"
        return {
            "webhook-id": id_,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(id_, now, text),
        }


def _can_sign(secret: str) -> bool:
    try:
        return len(base64.b64decode(secret.removeprefix("whsec_") + "==", validate=True)) >= _LEAST_BYTES
    except binascii.Error:
        return False
