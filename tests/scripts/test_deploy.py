"""The examples of scripts/deploy: they fit the program, and nginx serves by its one."""

import configparser
import http.client
import json
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import tomllib
from contextlib import closing, contextmanager

import pytest

from backfile.archive.model.settings import Settings
from backfile.web.connections import Limits
from backfile.web.workers import STOPPING
from tests.builders import BEARER, ROOT, TOKEN

DEPLOY = ROOT / "scripts" / "deploy"
CONTAINER = (DEPLOY / "Containerfile").read_text()
UNIT = DEPLOY / "backfile.service"
NGINX = (DEPLOY / "nginx.conf").read_text()
SOON = 30  # seconds; what takes longer has failed
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def instruction(name):
    """The rest of the last instruction of this name, with its continued lines."""
    joined = re.sub(r"\\\n\s*", "", CONTAINER)
    return re.findall(rf"^{name} (.*)$", joined, re.MULTILINE)[-1]


def container_settings():
    pairs = dict(re.findall(r"(\w+)=(\S+)", instruction("ENV")))
    return Settings.from_environment(pairs)


def test_the_container_has_a_python_that_the_project_takes():
    (python,) = re.findall(r"^ARG PYTHON=(\S+)$", CONTAINER, re.MULTILINE)
    assert python == PROJECT["requires-python"].removeprefix(">=")
    assert re.findall(r"^FROM (\S+)", CONTAINER, re.MULTILINE) == ["python:${PYTHON}-slim"] * 2


def test_the_container_runs_our_command_as_a_user_without_rights():
    assert json.loads(instruction("ENTRYPOINT")) == [*PROJECT["scripts"]]
    assert json.loads(instruction("CMD")) == ["serve"]
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", instruction("USER"))
    assert instruction("USER").split(":")[0] in instruction("RUN")
    assert instruction("STOPSIGNAL") == "SIGTERM"


def test_the_container_serves_where_it_says_and_for_local_names_alone():
    settings = container_settings()
    assert settings.given == {"archive", "host", "public_url", "log"}
    # A folder in the volume: `restore` renames the archive, which a mount point cannot be.
    assert str(settings.archive.parent) == instruction("VOLUME")
    assert str(settings.port) == instruction("EXPOSE")
    assert settings.public_url == f"http://localhost:{settings.port}"
    assert f"127.0.0.1:{settings.port}/readyz" in instruction("HEALTHCHECK")


def test_the_container_is_built_from_all_that_the_package_needs():
    copied = {name for line in re.findall(r"^COPY (?!--)(.*)$", CONTAINER, re.MULTILINE)
              for name in line.split()[:-1]}  # fmt: skip
    needed = {"pyproject.toml", PROJECT["readme"], *PROJECT["license-files"], ".types"}
    assert copied == needed | {"requirements.lock", "archive", "index", "web", "scripts"}
    assert all((ROOT / name).exists() for name in copied)


def unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(UNIT)
    return parser["Service"]


def test_the_unit_stops_later_than_the_server_and_its_workers_need():
    service = unit()
    assert int(service["TimeoutStopSec"]) > max(STOPPING, Limits().drain)
    assert service["KillMode"] == "mixed"
    assert service["ExecStart"].split()[1:] == ["serve"]
    assert service["User"] not in ("", "root")
    assert service["ProtectSystem"] == "strict"
    assert service["Environment"].split()[0].split("=")[1].startswith(service["ReadWritePaths"])


def analyse(unit_file, *arguments):
    command = ["systemd-analyze", *arguments, unit_file]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=SOON)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")
def test_systemd_takes_the_unit_and_finds_it_little_exposed(tmp_path):
    copy = tmp_path / UNIT.name
    copy.write_text(UNIT.read_text().replace("/opt/backfile/bin/backfile", sys.executable))
    verified = analyse(copy, "verify")
    assert (verified.returncode, verified.stderr) == (0, "")
    rated = analyse(copy, "security", "--offline=true", "--threshold=20")
    assert rated.returncode == 0, rated.stdout[-300:]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def ask(port, path, method="GET", body=None, **headers):
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=SOON)) as connection:
        headers = {"Host": "archive.example", **headers}
        connection.request(method, path, body, headers)
        answer = connection.getresponse()
        told = {name.lower(): value for name, value in answer.getheaders()}
        return answer.status, told, answer.read().decode()


def wait_for(port, process):
    ends = time.monotonic() + SOON
    while True:
        try:
            return ask(port, "/healthz", Host="localhost")
        except OSError:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < ends
            time.sleep(0.1)


@contextmanager
def running(command, port, **options):
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
    )
    try:
        wait_for(port, process)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=SOON)


@pytest.fixture(scope="module")
def behind_nginx(indexed_by_words, tmp_path_factory):
    """The port of nginx, and of the server behind it."""
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/local/bin:/usr/bin")
    if not nginx:
        pytest.skip("nginx is not installed")
    folder = tmp_path_factory.mktemp("nginx")
    public, port = free_port(), free_port()
    site = NGINX.replace("127.0.0.1:8080;", f"127.0.0.1:{port};")
    site = site.replace("listen 80;", f"listen 127.0.0.1:{public};")
    assert str(port) in site
    assert str(public) in site
    paths = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    temporary = " ".join(f"{path}_temp_path {folder}/{path};" for path in paths)
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log;"
        f"events {{ }} http {{ access_log off; {temporary} {site} }}"
    )
    settings = {
        "BACKFILE_PUBLIC_URL": "https://archive.example",
        "BACKFILE_PROXIES": "1",
        "BACKFILE_RATE": "1000",
        "BACKFILE_ARCHIVE": str(shutil.copytree(indexed_by_words, folder / "archive")),
        "BACKFILE_TOKEN": TOKEN,
        "BACKFILE_PORT": str(port),
    }
    serve = [sys.executable, "-m", "backfile.scripts.backfile", "serve"]
    environment = {"PATH": "/usr/bin:/bin", "PYTHONPATH": str(ROOT / ".types"), **settings}
    with (
        running(serve, port, cwd=ROOT, env=environment),
        running([nginx, "-p", folder, "-c", folder / "nginx.conf"], public),
    ):
        yield public, port


@pytest.mark.crash
def test_nginx_serves_pages_with_public_addresses(behind_nginx):
    public, _ = behind_nginx
    status, headers, page = ask(public, "/?q=ferry&mode=keyword")
    assert (status, headers["server"].split("/")[0]) == (200, "nginx")
    assert "<mark>ferry</mark>" in page
    _, _, feed = ask(public, "/search.atom?q=ferry&mode=keyword")
    assert "https://archive.example/article/" in feed
    assert "http://archive.example" not in feed
    assert "127.0.0.1" not in feed


@pytest.mark.crash
def test_each_request_has_one_id_from_the_proxy_to_the_problem(behind_nginx):
    public, _ = behind_nginx
    status, headers, body = ask(public, "/api/search?limit=no", **{"X-Request-Id": "mine"})
    assert status == 400
    assert re.fullmatch("[0-9a-f]{32}", headers["x-request-id"])
    assert json.loads(body)["request_id"] == headers["x-request-id"]


@pytest.mark.crash
def test_rates_count_clients_and_not_the_proxy_nor_what_they_claim(behind_nginx):
    public, port = behind_nginx
    left = []
    for claimed in ("192.0.2.1", "192.0.2.2"):
        _, headers, _ = ask(public, "/api/suggest?q=f", **{"X-Forwarded-For": claimed})
        left.append(int(re.search(r"r=(\d+)", headers["ratelimit"])[1]))
    assert left[1] == left[0] - 1  # nginx adds the true address behind the claimed one
    _, headers, _ = ask(port, "/api/suggest?q=f", **{"X-Forwarded-For": "192.0.2.3"})
    assert "r=999" in headers["ratelimit"]


@pytest.mark.crash
def test_an_export_is_sent_whole_and_a_large_body_is_refused(behind_nginx):
    public, _ = behind_nginx
    status, _, table = ask(public, "/export.csv?mode=keyword")
    assert status == 200
    assert table.count("\n") > 5
    assert ask(public, "/batch", "POST", b"q" * (2 << 20))[0] == 413


@pytest.mark.crash
def test_many_articles_are_passed_on_to_those_who_have_the_token(behind_nginx):
    public, _ = behind_nginx
    line = json.dumps({"id": "many", "text": f"A zeppelin. {'It flew. ' * 100_000}"}).encode()
    lines = b"\n".join([line] * 3)
    assert len(lines) > 2 << 20
    assert ask(public, "/api/articles", "POST", lines)[0] == 401
    status, headers, job = ask(public, "/api/articles", "POST", lines, **BEARER)
    assert (status, json.loads(job)["status"]) == (202, "queued")
    assert headers["location"] == f"/api/jobs/{json.loads(job)['id']}"


@pytest.mark.crash
def test_other_names_are_refused_at_the_server_itself(behind_nginx):
    _, port = behind_nginx
    assert ask(port, "/", Host="evil.example")[0] == 400
    assert ask(port, "/readyz", Host="localhost")[0] == 200
