"""Follows the users' guide from outside: the real program, Python's requests and websockets, nginx and Caddy with TLS.

    .ci/outside tests/outside/guide.py

Prints one line for each step and the counts at the end. The exit code is 1 if a step failed.
"""

import contextlib
import json
import sqlite3
import ssl

import requests
from requests.adapters import HTTPAdapter
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from harness import DOMAIN, TIMEOUT, Caddy, Nginx, Roms, check, equal, find, finish, step, until

WEBHOOK = "/api/v2/webhooks/orders"

# "Supported Message Format"
EXACT = """Successful Checkout | Best Buy US
Product
STARLINK - Mini Kit AC Dual Band Wi-Fi System - White
Price
$299.99
Profile
Lennar #8-$48-@07
Proxy Details
Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/
Share Link
Click Here
Order Number
#BBY01-807102506907
Email
woozy_byes28@icloud.com
Image
"""
# "What Gets Stored in Database"
STORED = {
    "product": "STARLINK - Mini Kit AC Dual Band Wi-Fi System - White",
    "price": 299.99,
    "total": 299.99,
    "profile": "Lennar #8-$48-@07",
    "proxy_list": "Wealth Resi | http://resi-edge-pool.wealthproxies.com:5959/",
    "order_number": "BBY01-807102506907",
    "email": "woozy_byes28@icloud.com",
    "status": "verified",
    "quantity": 1,
}
# "Optional Fields"
OPTIONAL = {
    "Quantity": ("2", "quantity", 2),
    "Total": ("$599.98", "total", 599.98),
    "Commission": ("$50.00", "commission", 50.0),
    "Tracking Number": ("1Z999AA10123456784", "tracking_number", "1Z999AA10123456784"),
    "Reference #": ("REF123", "reference_number", "REF123"),
    "Payment Method": ("Credit Card", "payment_method", "Credit Card"),
    "Shipping Address": ("123 Main St, City, State", "shipping_address", "123 Main St, City, State"),
    "Shipping Method": ("Express", "shipping_method", "Express"),
    "Status": ("pending", "status", "pending"),
    "Notes": ("Special instructions here", "notes", "Special instructions here"),
}
# "Database Schema"
COLUMNS = (
    "id order_number product price total commission quantity email customer_name profile proxy_list reference_number "
    "status tracking_number qty_received payment_method shipping_address shipping_method notes order_date order_time "
    "posted_date shipped_date delivered_date source worksheet_name created_at updated_at"
).split()


def card(number, **labels):
    """A card in the guide's text form."""
    lines = ["Successful Checkout | Store"]
    for label, value in {**labels, "Order Number": number}.items():
        lines += [label, value]
    return "\n".join(lines) + "\n"


def request(method, url, **options):
    return requests.request(method, url, timeout=TIMEOUT, **options)


def post(base, body, **options):
    return request("POST", base + WEBHOOK, data=body.encode(), **options)


def webhook_link(created):
    """The link that `roms token create` prints for senders that can only paste a URL."""
    return find(r"https?://\S+/api/\S+", "\n".join(created[1:]))


def order(base, number, **options):
    answer = request("GET", f"{base}/api/v2/orders/{number}", **options)
    equal(answer.status_code, 200, answer.text)
    return answer.json()


class Local:
    """The guide up to "Production Setup": nothing is configured."""

    def __init__(self, roms, process):
        self.roms, self.process, self.base = roms, process, roms.local

    def run(self):
        step("the start prints the lines of the guide", self.start_lines)
        step("the exact message is stored as the table shows", self.exact_message)
        step("`roms send-sample` prints what was stored", self.send_sample)
        step("every optional label is read", self.optional_fields)
        step("the three advanced tests pass in sequence", self.advanced_tests)
        step("a WebSocket receives each order", self.websocket)
        step("the SQL of the guide works", self.sql)
        step("the log, the health check and the documentation answer", self.pages)
        step("a text without an order is refused and stays in the log", self.not_an_order)

    def start_lines(self):
        for line in ["starting", "Database: SQLite (sqlite://roms_v2.db)", f"Server running on {self.base}"]:
            check(line in self.process.output(), line, self.process.output())

    def exact_message(self):
        answer = post(self.base, EXACT, headers={"content-type": "text/plain"})
        equal(answer.status_code, 200, answer.text)
        for name, value in {
            "success": True, "order_id": 1, "order_number": "BBY01-807102506907",
            "message": "Order received and processed successfully",
        }.items():
            equal(answer.json()[name], value, name)
        stored = order(self.base, "BBY01-807102506907")
        for name, value in STORED.items():
            equal(stored[name], value, name)
        check(stored["order_date"] and stored["order_time"], stored)

    def send_sample(self):
        sample = self.roms.run("send-sample")
        equal(sample.returncode, 0, sample.stderr)
        for text in ["Response: 200", "BBY01-807102506907", "299.99", "woozy_byes28@icloud.com", "verified"]:
            check(text in sample.stdout, text, sample.stdout)

    def optional_fields(self):
        labels = {label: value for label, (value, _, _) in OPTIONAL.items()}
        answer = post(self.base, card("OPTIONAL-1", Product="Test Product", Price="$299.99", **labels))
        equal(answer.status_code, 200, answer.text)
        stored = order(self.base, "OPTIONAL-1")
        for _, column, value in OPTIONAL.values():
            equal(stored[column], value, column)

    def advanced_tests(self):
        labels = {"Product": "Test Product", "Price": "$99.99", "Email": "test@example.com"}
        for number, more in {
            "TEST-001": {},
            "TEST-002": {
                "Quantity": "2", "Total": "$199.98", "Commission": "$20.00", "Profile": "Profile 1",
                "Proxy Details": "Proxy 1", "Tracking Number": "1Z999AA10123456784", "Reference #": "REF123",
                "Payment Method": "Credit Card", "Status": "shipped",
            },
        }.items():
            answer = post(self.base, card(number, **labels, **more))
            equal((answer.status_code, answer.json()["outcome"]), (200, "created"), answer.text)
        update = {"Status": "shipped", "Tracking Number": "1Z999AA10123456784"}
        answer = post(self.base, card("TEST-001", **update))
        equal((answer.status_code, answer.json()["outcome"]), (200, "updated"), answer.text)
        first, second = order(self.base, "TEST-001"), order(self.base, "TEST-002")
        equal((first["status"], first["tracking_number"]), ("shipped", "1Z999AA10123456784"))
        equal((first["product"], first["price"], first["email"]), ("Test Product", 99.99, "test@example.com"))
        equal((second["total"], second["commission"], second["quantity"]), (199.98, 20.0, 2))

    def websocket(self):
        with connect(f"ws://127.0.0.1:{self.roms.port}/ws", proxy=None) as socket:
            equal(json.loads(socket.recv(TIMEOUT))["type"], "connection_confirmed")
            post(self.base, card("LIVE-1", Price="$1.00"))
            change = json.loads(socket.recv(TIMEOUT))
            equal((change["type"], change["order"]["order_number"]), ("new_order", "LIVE-1"))

    def sql(self):
        with contextlib.closing(sqlite3.connect(self.roms.folder / "roms_v2.db")) as database:
            columns = [row[1] for row in database.execute("PRAGMA table_info(orders)")]
            equal([column for column in COLUMNS if column not in columns], [], "missing columns")
            recent = database.execute(
                "SELECT order_number, product, price, email, status, created_at FROM orders "
                "ORDER BY created_at DESC LIMIT 10"
            ).fetchall()
            found = {row[0]: row for row in recent}
            equal(found["BBY01-807102506907"][2:5], (299.99, "woozy_byes28@icloud.com", "verified"))
            number = database.execute("SELECT id FROM orders WHERE order_number = 'TEST-001'").fetchone()[0]
            events = database.execute("SELECT * FROM order_events WHERE order_id = ?", (number,)).fetchall()
            equal(len(events), 2, "created and updated")

    def pages(self):
        logs = request("GET", f"{self.base}/api/v2/webhooks/logs?limit=10").json()
        check(logs["total"] >= 5 and len(logs["logs"]) <= 10, logs["total"])
        health = request("GET", f"{self.base}/health")
        equal((health.status_code, health.json()["status"]), (200, "healthy"), health.text)
        equal(self.roms.run("health").returncode, 0, "roms health")
        page = request("GET", f"{self.base}/docs")
        check(page.status_code == 200 and "text/html" in page.headers["content-type"], page.status_code)
        check(WEBHOOK in request("GET", f"{self.base}/openapi.json").json()["paths"])

    def not_an_order(self):
        answer = post(self.base, "hello")
        equal((answer.status_code, answer.json()["message"]), (400, "Could not parse webhook content"))
        last = request("GET", f"{self.base}/api/v2/webhooks/logs?limit=1").json()["logs"][0]
        equal((last["outcome"], last["id"]), ("rejected", answer.json()["log_id"]))


class From(HTTPAdapter):
    """Connects from another loopback address, as a client on another machine would."""

    def __init__(self, address):
        self.address = address
        super().__init__()

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


class Production:
    """ "Production Setup (Public URL)", behind a reverse proxy with TLS."""

    CLIENT = "127.0.0.2"

    def __init__(self, roms, proxy):
        self.roms, self.proxy = roms, proxy
        self.session = requests.Session()
        self.session.mount("https://", From(self.CLIENT))
        self.session.verify = str(proxy.crt)
        self.session.trust_env = False
        self.process = None

    def run(self):
        name = self.proxy.name
        step(f"{name} accepts the configuration in deploy/", self.proxy.validate)
        step("without a token ROMS does not start, and says how to make one", self.no_token)
        self.admin = self.roms.token("admin", "admin")[0]
        self.reader = self.roms.token("sheet", "read")[0]
        self.sender = self.roms.token("refract", "ingest")
        with self.roms.start() as self.process, self.proxy:
            step(f"{name}: a request without a token is refused", self.refused)
            step(f"{name}: cards arrive with a token in the header", self.header)
            step(f"{name}: Refract posts to the webhook URL alone", self.webhook_url)
            step(f"{name}: plain HTTP leads to HTTPS", self.redirect)
            step(f"{name}: ROMS sees the client's address, and believes no forged one", self.address)
            step(f"{name}: the WebSocket passes the proxy", self.websocket)
            step(f"{name}: events arrive at once", self.events)
            step(f"{name}: pages of other sites are refused, its own are not", self.origins)
            step(f"{name}: a body that is too large is answered by ROMS", self.large)
            step(f"{name}: after a restart, clients get what they missed", self.resume)
            step(f"{name}: a revoked token stops working", self.revoked)
            step(f"{name}: a token ends at its time, and with it its WebSocket", self.expired)
            step(f"{name}: no log holds a token", self.logs)

    def bearer(self, token):
        return {"authorization": f"Bearer {token}"}

    def call(self, method, path, token=None, **options):
        headers = {**options.pop("headers", {}), **(self.bearer(token) if token else {})}
        return self.session.request(method, self.proxy.url + path, headers=headers, timeout=TIMEOUT, **options)

    def store(self, number, **labels):
        answer = self.call("POST", WEBHOOK, self.admin, data=card(number, **labels))
        equal(answer.status_code, 200, answer.text)

    def listen(self, path="/ws", **headers):
        context = ssl.create_default_context(cafile=self.proxy.crt)
        url = f"wss://{DOMAIN}:{self.proxy.https}{path}"
        return connect(url, ssl=context, proxy=None, additional_headers=headers, open_timeout=TIMEOUT)

    def no_token(self):
        started = self.roms.run()
        check(started.returncode != 0 and "roms token create" in started.stderr, started.stderr)

    def refused(self):
        for path in ["/", "/api/v2/orders", "/docs", "/openapi.json", "/api/v2/webhooks/logs"]:
            answer = self.call("GET", path)
            equal((answer.status_code, answer.json()["code"]), (401, "unauthorized"), path)
        equal(self.call("POST", WEBHOOK, data=EXACT).status_code, 401, "ingest")
        equal(self.call("GET", "/api/v2/orders", "roms_" + "x" * 43).status_code, 401, "unknown token")
        equal(self.call("GET", "/health").status_code, 200, "health")

    def header(self):
        answer = self.call("POST", WEBHOOK, self.sender[0], data=EXACT)
        equal((answer.status_code, answer.json()["outcome"]), (200, "created"), answer.text)
        equal(self.call("GET", "/api/v2/orders", self.sender[0]).status_code, 403, "it can only ingest")
        stored = self.call("GET", "/api/v2/orders/BBY01-807102506907", self.admin).json()
        for name, value in STORED.items():
            equal(stored[name], value, name)
        masked = self.call("GET", "/api/v2/orders/BBY01-807102506907", self.reader).json()
        equal((masked["email"], masked["price"]), ("***", 299.99), "a reader sees no e-mail address")

    def webhook_url(self):
        url = webhook_link(self.sender)
        check(url.startswith(self.proxy.url), f"{url} does not begin with public_url")
        answer = self.session.post(url, data=card("URL-1", Price="$1.00"), timeout=TIMEOUT)
        check(answer.status_code in (200, 204), answer.status_code, answer.text)
        embed = {"title": "Successful Checkout | Store", "fields": [{"name": "Order Number", "value": "URL-2"}]}
        answer = self.session.post(url + "?wait=true", json={"embeds": [embed]}, timeout=TIMEOUT)
        equal(answer.status_code, 200, answer.text)
        for number in ["URL-1", "URL-2"]:
            equal(self.call("GET", f"/api/v2/orders/{number}", self.admin).status_code, 200, number)
        equal(self.session.post(url[:-1], data=card("URL-3"), timeout=TIMEOUT).status_code, 401, "a wrong token")

    def redirect(self):
        answer = requests.get(
            f"http://{DOMAIN}:{self.proxy.http}/api/v2/orders?limit=1", allow_redirects=False, timeout=TIMEOUT
        )
        equal(answer.status_code, 308)
        check(answer.headers["location"].startswith(f"https://{DOMAIN}"), answer.headers)

    def address(self):
        forged = {"x-forwarded-for": "203.0.113.9", "x-real-ip": "203.0.113.9", "forwarded": "for=203.0.113.9"}
        equal(self.call("GET", "/api/v2/orders", self.reader, headers=forged).status_code, 200)
        until("the address is stored", lambda: self.CLIENT in self.roms.run("token", "list").stdout)
        listed = self.roms.run("token", "list").stdout
        check("203.0.113.9" not in listed, listed)
        check(self.CLIENT in find(r"sheet .*", listed), listed)

    def websocket(self):
        with self.listen(**self.bearer(self.admin)) as socket:
            equal(json.loads(socket.recv(TIMEOUT))["type"], "connection_confirmed")
            self.store("WS-1")
            equal(json.loads(socket.recv(TIMEOUT))["order"]["order_number"], "WS-1")
        try:
            self.listen()
            check(False, "a WebSocket without a token was accepted")
        except InvalidStatus as error:
            equal(error.response.status_code, 401)

    def stream(self, **headers):
        """Opens the event stream. Returns the response and a function that reads the next event's data."""
        answer = self.call("GET", "/api/v2/events", self.admin, headers=headers, stream=True)
        equal((answer.status_code, answer.headers["content-type"]), (200, "text/event-stream"))
        lines = answer.iter_lines(chunk_size=1, decode_unicode=True)

        def next_event():
            for line in lines:
                if line.startswith("data: "):
                    return json.loads(line.removeprefix("data: "))
            check(False, "the stream ended")

        return answer, next_event

    def events(self):
        answer, next_event = self.stream()
        with answer:
            # A proxy that collects the answer would deliver this only with later events.
            equal(next_event()["type"], "connection_confirmed")
            for number in ["SSE-1", "SSE-2"]:
                self.store(number)
                equal(next_event()["order"]["order_number"], number)

    def origins(self):
        own, foreign = {"origin": self.proxy.url}, {"origin": "https://evil.example"}
        equal(self.call("POST", WEBHOOK, self.admin, headers=own, data=card("ORIGIN-1")).status_code, 200)
        refused = self.call("POST", WEBHOOK, self.admin, headers=foreign, data=card("ORIGIN-2"))
        equal((refused.status_code, refused.json()["code"]), (403, "cross_origin"))
        with self.listen(origin=self.proxy.url, **self.bearer(self.admin)) as socket:
            equal(json.loads(socket.recv(TIMEOUT))["type"], "connection_confirmed")
        try:
            self.listen(origin="https://evil.example", **self.bearer(self.admin))
            check(False, "a page of another site may listen")
        except InvalidStatus as error:
            equal(error.response.status_code, 403)

    def large(self):
        answer = self.call("POST", WEBHOOK, self.admin, data="x" * 300_000)
        equal((answer.status_code, answer.json()["code"]), (413, "too_large"))

    def resume(self):
        answer, next_event = self.stream()
        with answer:
            last = next_event()["event_id"]
        self.process.end()
        until("the proxy notices", lambda: self.call("GET", "/health").status_code == 502)
        self.process = self.roms.start()
        try:
            until("the proxy reaches ROMS again", lambda: self.call("GET", "/health").status_code == 200)
            self.store("MISSED-1")
            self.store("MISSED-2")
            answer, next_event = self.stream(**{"last-event-id": str(last)})
            with answer, self.listen(f"/ws?since={last}", **self.bearer(self.admin)) as socket:
                for receive in [next_event, lambda: json.loads(socket.recv(TIMEOUT))]:
                    equal(receive()["type"], "connection_confirmed")
                    equal([receive()["order"]["order_number"] for _ in range(2)], ["MISSED-1", "MISSED-2"])
        except Exception:
            self.process.end()
            raise

    def revoked(self):
        equal(self.roms.run("token", "revoke", "sheet").returncode, 0)
        until("it is refused", lambda: self.call("GET", "/api/v2/orders", self.reader).status_code == 401)

    def expired(self):
        created = self.roms.run("token", "create", "--name", "brief", "--scope", "read", "--expires", "5s")
        equal(created.returncode, 0, created.stderr)
        token = created.stdout.splitlines()[0]
        equal(self.call("GET", "/api/v2/orders", token).status_code, 200, "before its time")
        with self.listen(**self.bearer(token)) as socket:
            equal(json.loads(socket.recv(TIMEOUT))["type"], "connection_confirmed")
            try:
                socket.recv(TIMEOUT)
            except ConnectionClosed as closed:
                equal(closed.rcvd.code, 1008, "policy violation")
            else:
                check(False, "the WebSocket stays open")
        equal(self.call("GET", "/api/v2/orders", token).status_code, 401, "after its time")
        try:
            self.listen(**self.bearer(token)).close()
        except InvalidStatus as refused:
            equal(refused.response.status_code, 401)
        else:
            check(False, "an expired token opens a WebSocket")

    def logs(self):
        self.process.end()
        until("the proxy notices", lambda: self.call("GET", "/health").status_code == 502)
        url = webhook_link(self.sender)
        for address in [url, url.replace("/api/", "//api/", 1)]:
            equal(self.session.post(address, data=card("URL-4"), timeout=TIMEOUT).status_code, 502)
        logs = self.proxy.log() + "".join(path.read_text() for path in self.roms.folder.glob("roms-*.log"))
        for token in [self.admin, self.reader, self.sender[0]]:
            check(token not in logs, find(f".*{token}.*", logs) if token in logs else "")


class Tunnel:
    """ "Option 1: ngrok": a tunnel on this machine passes requests on, with its host name and the client's address."""

    HEADERS = {"host": "abc123.ngrok.io", "x-forwarded-for": "198.51.100.7", "x-forwarded-proto": "https"}

    def __init__(self, roms):
        self.roms = roms

    def run(self):
        self.sender = self.roms.token("refract", "ingest")
        with self.roms.start():
            step("a tunnel's host name is accepted with a token", self.with_token)
            step("a tunnel's host name is refused without a token", self.without_token)

    def with_token(self):
        path = webhook_link(self.sender).removeprefix("https://abc123.ngrok.io")
        answer = request("POST", self.roms.local + path, headers=self.HEADERS, data=card("NGROK-1"))
        check(answer.status_code in (200, 204), answer.status_code, answer.text)
        headers = {**self.HEADERS, "authorization": f"Bearer {self.sender[0]}"}
        equal(post(self.roms.local, card("NGROK-2"), headers=headers).status_code, 200)

    def without_token(self):
        equal(post(self.roms.local, card("NGROK-3"), headers=self.HEADERS).status_code, 401)
        with Roms() as open_roms, open_roms.start():
            equal(post(open_roms.local, card("NGROK-4"), headers=self.HEADERS).status_code, 421)


def main():
    with Roms() as roms, roms.start() as process:
        Local(roms, process).run()
    with Roms() as roms:
        roms.configure('[http]\nrequire_auth = true\npublic_url = "https://abc123.ngrok.io"\n')
        Tunnel(roms).run()
    for kind in [Nginx, Caddy]:
        with Roms() as roms:
            proxy = kind(roms)
            roms.configure(
                f'[http]\nrequire_auth = true\npublic_url = "{proxy.url}"\ntrusted_proxies = ["127.0.0.1"]\n'
            )
            Production(roms, proxy).run()
    finish()


if __name__ == "__main__":
    main()
