"""The service in a process of its own."""

import json
import os
import shlex
import signal
import socket
import subprocess
import threading


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Service:
    """Runs PAYMENT_SIM, a command line, at a port, and waits until it is ready."""

    def __init__(self, port: int, **variables: str) -> None:
        self.address = f"127.0.0.1:{port}"
        self.lines: list[dict[str, object]] = []
        self._ready = threading.Event()
        command = shlex.split(os.environ["PAYMENT_SIM"])
        options = ["--host", "127.0.0.1", "--port", str(port), "--health-port", "0", "--delay", "200ms"]
        self.process = subprocess.Popen(
            command + options,
            env={**os.environ, "EVENTBRIDGE": "off", **variables},
            stdout=subprocess.PIPE,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        assert self._ready.wait(30), "the service is not ready"

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(json.loads(line))
            if self.lines[-1]["msg"] == "Payment Sim is ready":
                self._ready.set()

    def terminate(self) -> None:
        """Asks it to end, as Kubernetes does."""
        self.process.send_signal(signal.SIGTERM)

    def stop(self) -> None:
        self.terminate()
        self.process.wait(30)
        self._reader.join(5)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait(10)
