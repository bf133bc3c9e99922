"""Clients that misbehave, many at once: crowd.py KIND COUNT SECONDS PORT [PATH] [CREDENTIALS]

  idle     connect; every second one asks once; then nothing
  heads    send a request's head a header at a time, without end
  senders  begin an upload and trickle it
  readers  ask for PATH and do not read the answer
  flood    ask for PATH and for what has to be looked up, each as soon as the last is answered

Prints 'ready' once all have begun, stays for SECONDS, and prints what came of them as JSON: how many were answered with
which status, how many of those with 429 or 503 had Retry-After, and how many connections the server closed.
"""
import base64
import collections
import json
import resource
import selectors
import socket
import sys
import time

kind, count, seconds, port = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
path = sys.argv[5] if len(sys.argv) > 5 else "/"
credentials = base64.b64encode(sys.argv[6].encode()).decode() if len(sys.argv) > 6 else ""

hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def head(method, target, *fields):
    lines = [f"{method} {target} HTTP/1.1", "Host: crowd", *fields]
    if credentials:
        lines.append(f"Authorization: Basic {credentials}")
    return ("\r\n".join(lines) + "\r\n").encode()


class Client:
    def __init__(self, number):
        # One address has not ports enough for all.
        self.socket = socket.socket()
        if kind == "readers":
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.socket.bind((f"127.0.0.{2 + number % 8}", 0))
        self.socket.connect(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.number = number
        self.received = b""
        self.begin()

    def send(self, data):
        try:
            self.socket.send(data)
        except BlockingIOError:
            pass

    def begin(self):
        if kind == "idle" and self.number % 2:
            self.send(head("GET", path) + b"\r\n")
        elif kind == "heads":
            self.send(b"GET / HTTP/1.1\r\n")
        elif kind == "senders":
            self.send(head("PUT", f"{path}-{self.number}", "Content-Length: 1000000") + b"\r\nx")
        elif kind == "readers":
            self.send(head("GET", path) + b"\r\n")
        elif kind == "flood":
            # What is not there has to be looked up in the database.
            target = path if self.number % 2 else f"{path}-{self.number}-{time.monotonic_ns()}"
            self.send(head("GET", target) + b"\r\n")

    def trickle(self):
        if kind == "heads":
            self.send(b"X-Header: value\r\n")
        elif kind == "senders":
            self.send(b"x")


statuses = collections.Counter()
closed = 0
selector = selectors.DefaultSelector()
clients = []
for number in range(count):
    client = Client(number)
    clients.append(client)
    if kind != "readers":
        selector.register(client.socket, selectors.EVENT_READ, client)
print("ready", flush=True)

retries = 0
end = time.monotonic() + seconds
tick = time.monotonic()
while time.monotonic() < end:
    for key, _ in selector.select(0.1):
        client = key.data
        try:
            data = client.socket.recv(65536)
        except OSError:
            data = b""
        if not data:
            closed += 1
            selector.unregister(client.socket)
            client.socket.close()
            clients.remove(client)
            if kind == "flood":
                client = Client(client.number)
                clients.append(client)
                selector.register(client.socket, selectors.EVENT_READ, client)
            continue
        client.received += data
        if b"\r\n\r\n" in client.received:
            top, _, rest = client.received.partition(b"\r\n\r\n")
            fields = {line.split(b":")[0].lower(): line.split(b":")[1].strip() for line in top.split(b"\r\n")[1:]}
            if len(rest) < int(fields.get(b"content-length", b"0")):
                continue
            status = int(top.split()[1])
            statuses[status] += 1
            if status in (429, 503) and b"retry-after" in fields:
                retries += 1
            client.received = b""
            if kind == "flood" and fields.get(b"connection") != b"close":
                client.begin()
    if time.monotonic() - tick > 0.5:
        tick = time.monotonic()
        for client in clients:
            try:
                client.trickle()
            except OSError:
                pass

print(json.dumps({"statuses": statuses, "closed": closed, "retries": retries}), flush=True)
