import json
from urllib.request import Request, urlopen

from order_service.orders import OrderJson


class OrdersClient:
    """A caller of the order service."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self._url = url
        self._headers = headers

    def place(self, amount: int = 120_000) -> OrderJson:
        return self._call("POST", "/orders", {"user_id": "user-1", "amount": amount})

    def refund(self, order: OrderJson) -> OrderJson:
        return self._call("POST", f"/orders/{order['order_id']}/refund")

    def read(self, order: OrderJson) -> OrderJson:
        return self._call("GET", f"/orders/{order['order_id']}")

    def _call(self, method: str, path: str, content: object = None) -> OrderJson:
        body = None if content is None else json.dumps(content).encode()
        request = Request(self._url + path, body, self._headers, method=method)
        with urlopen(request, timeout=30) as response:
            answer: OrderJson = json.load(response)
            return answer
