"""Sends generated requests to every route of the API document, right ones and wrong ones, with schemathesis.

    .ci/outside tests/outside/api.py

Fails at an answer with a 5xx status, at an answer that the document does not have, and at a wrong request that is
accepted. The requests are the same in every run.
"""

import pathlib
import subprocess
import sys

from harness import Roms

CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "ensure_resource_availability",
    "ignored_auth",
]
# The stream of events does not end. tests/it/live.rs covers it.
ENDLESS = "/api/v2/events"


def main():
    with Roms() as roms:
        roms.configure("[http]\nrequire_auth = true\n")
        token = roms.token("schemathesis", "admin")[0]
        with roms.start() as process:
            done = subprocess.run(
                [
                    pathlib.Path(sys.executable).with_name("st"), "run", f"{roms.local}/openapi.json",
                    "--header", f"Authorization: Bearer {token}", "--exclude-path", ENDLESS,
                    "--checks", ",".join(CHECKS), "--max-examples", "80", "--generation-deterministic",
                    "--continue-on-failure", "--request-timeout", "20", "--no-color",
                ],
                cwd=roms.folder, timeout=600,
            )
            check_log(process.output())
        return done.returncode


def check_log(log):
    """Prints what ROMS itself logged as an error."""
    errors = [line for line in log.splitlines() if " ERROR " in line or "panicked" in line]
    print("\n".join(errors), flush=True)


if __name__ == "__main__":
    sys.exit(main())
