"""Starts the order service."""

import os

from order_service.gateway import Gateway
from order_service.server import OrderServer

server = OrderServer(
    host=os.environ.get("HOST", "127.0.0.1"),
    port=int(os.environ.get("PORT", "8080")),
    gateway=Gateway(os.environ.get("PAYMENT_GATEWAY", "localhost:8030")),
    webhook_secret=os.environ.get("WEBHOOK_SECRET", "payment-sim-dev-secret"),
    public_url=os.environ.get("PUBLIC_URL", ""),
)
print(f"listening on {server.url}", flush=True)
server.serve_forever()
