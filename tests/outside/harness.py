"""Starts the real ROMS, nginx and Caddy on loopback addresses, and counts checks."""

import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]
PROGRAM = pathlib.Path(os.environ.get("ROMS", REPOSITORY / "target/debug/roms")).resolve()
# The domain of the documentation. The scripts resolve it to this machine; nothing leaves it.
DOMAIN = "orders.example.net"
TIMEOUT = 40

_lookup = socket.getaddrinfo
_counts = {"passed": 0, "failed": 0}


def resolve_domain(host, *arguments, **options):
    return _lookup("127.0.0.1" if host == DOMAIN else host, *arguments, **options)


socket.getaddrinfo = resolve_domain


class Failed(Exception):
    """A check that did not hold."""


def check(condition, *details):
    if not condition:
        raise Failed(" ".join(str(detail) for detail in details))


def equal(found, expected, what=""):
    check(found == expected, f"{what}: expected {expected!r}, found {found!r}")


def until(what, ask):
    """Calls `ask` until it returns something true, and fails at the deadline."""
    end = time.monotonic() + TIMEOUT
    while time.monotonic() < end:
        answer = ask()
        if answer:
            return answer
        time.sleep(0.05)
    raise Failed(f"not within {TIMEOUT} seconds: {what}")


def step(name, action, *arguments):
    """Runs one step, and prints whether it passed. A failed step does not stop the next one."""
    try:
        action(*arguments)
    except Exception as error:  # Every failure is a result here.
        _counts["failed"] += 1
        print(f"FAILED  {name}: {type(error).__name__}: {error}", flush=True)
    else:
        _counts["passed"] += 1
        print(f"ok      {name}", flush=True)


def finish():
    print(f"{_counts['passed']} passed, {_counts['failed']} failed", flush=True)
    sys.exit(1 if _counts["failed"] else 0)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


class Process:
    """A program that ends with its `with` block. Its output goes to a file."""

    def __init__(self, command, folder, environment=None):
        self.output_path = pathlib.Path(folder) / f"{pathlib.Path(command[0]).name}-{time.monotonic_ns()}.log"
        self._file = open(self.output_path, "wb")
        self._child = subprocess.Popen(
            command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=self._file, stderr=subprocess.STDOUT
        )

    def output(self):
        return self.output_path.read_text(errors="replace")

    def is_running(self):
        return self._child.poll() is None

    def end(self, number=signal.SIGTERM):
        """Ends the program and returns its exit code."""
        if self.is_running():
            self._child.send_signal(number)
        try:
            code = self._child.wait(TIMEOUT)
        except subprocess.TimeoutExpired:
            self._child.kill()
            code = self._child.wait()
        self._file.close()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


class Roms:
    """A folder with a ROMS and its database."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="roms-outside-")
        self.folder = pathlib.Path(self._folder.name)
        self.port = free_port()
        self.local = f"http://127.0.0.1:{self.port}"
        self.environment = {"ROMS__HTTP__BIND": f"127.0.0.1:{self.port}", "PATH": os.environ.get("PATH", "")}

    def configure(self, toml):
        (self.folder / "config.toml").write_text(toml)

    def run(self, *arguments):
        """Runs `roms` with these arguments."""
        return subprocess.run(
            [PROGRAM, *arguments], cwd=self.folder, env=self.environment, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=TIMEOUT,
        )

    def token(self, name, scopes):
        """Creates a token. Returns all lines that the command prints; the first one is the token."""
        created = self.run("token", "create", "--name", name, "--scope", scopes)
        equal(created.returncode, 0, created.stderr)
        return created.stdout.splitlines()

    def start(self):
        """Starts ROMS and waits until it is ready."""
        process = Process([PROGRAM], self.folder, self.environment)
        try:
            until("ROMS is ready", lambda: "Server running on" in process.output() or not process.is_running())
            check(process.is_running(), "ROMS ended:", process.output())
        except Failed:
            process.end()
            raise
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._folder.cleanup()


def certificate(folder):
    """Makes a certificate for the domain. Returns the paths of certificate and key."""
    crt, key = folder / "tls.crt", folder / "tls.key"
    names = f"subjectAltName=DNS:{DOMAIN},DNS:localhost,IP:127.0.0.1"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={DOMAIN}"]
    subprocess.run([*command, "-addext", names, "-keyout", key, "-out", crt], check=True, capture_output=True)
    return crt, key


def replaced(text, *pairs):
    """Replaces texts that must be there, so that a changed file is noticed."""
    for old, new in pairs:
        check(old in text, f"the configuration has no {old!r}")
        text = text.replace(old, str(new))
    return text


class Proxy:
    """A reverse proxy with TLS that runs a file of deploy/ with other ports and an own certificate."""

    def __init__(self, roms):
        self.folder = roms.folder
        self.crt, self.key = certificate(self.folder)
        self.http, self.https = free_port(), free_port()
        self.url = f"https://{DOMAIN}:{self.https}"
        self.write(roms)
        self.process = None

    def validate(self):
        """Asks the proxy itself whether it understands the file."""
        done = subprocess.run(
            self.validation, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=TIMEOUT
        )
        check(done.returncode == 0, done.stderr or done.stdout)
        check("[warn]" not in done.stderr, done.stderr)

    def log(self):
        return self.process.output()

    @property
    def environment(self):
        # Caddy keeps its state in the home folder.
        return {"PATH": f"{os.environ.get('PATH', '')}:/usr/sbin", "HOME": str(self.folder)}

    def __enter__(self):
        self.process = Process(self.command, self.folder, self.environment)
        def answers():
            check(self.process.is_running(), self.process.output())
            with socket.socket() as client:
                return client.connect_ex(("127.0.0.1", self.https)) == 0
        until(f"{self.name} listens", answers)
        return self

    def __exit__(self, *_):
        self.process.end()


class Nginx(Proxy):
    """nginx with deploy/nginx.conf."""

    name = "nginx"

    def write(self, roms):
        site = replaced(
            (REPOSITORY / "deploy/nginx.conf").read_text(),
            ("server 127.0.0.1:8001;", f"server 127.0.0.1:{roms.port};"),
            ("    listen [::]:80;\n", ""),
            ("    listen [::]:443 ssl http2;\n", ""),
            ("listen 80;", f"listen 127.0.0.1:{self.http};"),
            ("listen 443 ssl", f"listen 127.0.0.1:{self.https} ssl"),
            ("return 308 https://$host$request_uri;", f"return 308 https://$host:{self.https}$request_uri;"),
            (f"/etc/letsencrypt/live/{DOMAIN}/fullchain.pem", self.crt),
            (f"/etc/letsencrypt/live/{DOMAIN}/privkey.pem", self.key),
        )
        (self.folder / "site.conf").write_text(site)
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};" for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        )
        main = f"""
            daemon off;
            pid {self.folder}/nginx.pid;
            error_log {self.folder}/error.log info;
            events {{ }}
            http {{ access_log {self.folder}/access.log; {temporary} include {self.folder}/site.conf; }}
        """
        if os.geteuid() == 0:
            main = f"user root;{main}"
        (self.folder / "nginx.conf").write_text(main)
        self.command = [shutil.which("nginx", path=self.environment["PATH"]), "-p", self.folder, "-c", "nginx.conf"]
        self.validation = [*self.command, "-t"]

    def log(self):
        return "".join(path.read_text(errors="replace") for path in self.folder.glob("*.log"))


class Caddy(Proxy):
    """Caddy with deploy/Caddyfile."""

    name = "Caddy"

    def write(self, roms):
        ports = f"{{\n\tadmin off\n\thttp_port {self.http}\n\thttps_port {self.https}\n"
        text = replaced(
            (REPOSITORY / "deploy/Caddyfile").read_text(),
            ("{\n\tlog {", f"{ports}\tlog {{"),
            (f"{DOMAIN} {{", f"{DOMAIN} {{\n\tbind 127.0.0.1\n\ttls {self.crt} {self.key}"),
            ("reverse_proxy 127.0.0.1:8001", f"reverse_proxy 127.0.0.1:{roms.port}"),
        )
        (self.folder / "Caddyfile").write_text(text)
        caddy = shutil.which("caddy", path=self.environment["PATH"])
        self.command = [caddy, "run", "--adapter", "caddyfile", "--config", "Caddyfile"]
        self.validation = [caddy, "validate", "--adapter", "caddyfile", "--config", "Caddyfile"]


def find(pattern, text):
    """The first match of a pattern, which must be there."""
    found = re.search(pattern, text)
    check(found, f"no {pattern!r} in: {text}")
    return found.group(0)
