"""Machines for the tests of a cluster: network namespaces where these can be made."""

import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from tests.builders import ROOT

RAY = str(Path(sys.executable).with_name("ray"))
MARK = "BACKFILE_TEST_HOST"  # in the environment of each process of a host
OBJECT_STORE = 80_000_000  # bytes, about the least that Ray takes
AS_MOUNTED = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'


def have_namespaces():
    """Whether network namespaces can be made here."""
    if os.geteuid() or not shutil.which("ip"):
        return False
    name = f"bf{os.getpid()}try"
    made = subprocess.run(["ip", "netns", "add", name], check=False, capture_output=True)
    subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)
    return made.returncode == 0


class Host:
    """One machine: it has a network of its own if `namespace` is given, and runs commands."""

    def __init__(self, name, address, namespace, environment, scratch):
        self.name, self.address, self._namespace = name, address, namespace
        self._scratch = scratch
        self._added = environment
        self.link = f"{namespace}v"
        self.mounted = None  # a folder, and the place where this host alone sees it

    def _command(self, command):
        within = ["ip", "netns", "exec", self._namespace] if self._namespace else []
        as_mounted = ["sh", "-c", AS_MOUNTED, "sh", *self.mounted] if self.mounted else []
        return [*within, *map(str, as_mounted), *map(str, command)]

    def _environment(self):
        usual = {"RAY_AUTH_MODE": "disabled", "RAY_USAGE_STATS_ENABLED": "0", MARK: self.name}
        return {**os.environ, **usual, **self._added}

    def run(self, *command, check=True, seconds=120, cwd=ROOT):
        """Run a command to its end; return its output, both kinds."""
        done = subprocess.run(
            self._command(command), cwd=cwd, env=self._environment(), timeout=seconds,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        )  # fmt: skip
        assert not check or done.returncode == 0, done.stdout
        return done.stdout

    def start(self, *command, cwd=ROOT):
        """Start a command, to go on beside the test."""
        return subprocess.Popen(
            self._command(command), cwd=cwd, env=self._environment(),
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, stdin=subprocess.DEVNULL,
        )  # fmt: skip

    def backfile(self, *arguments, check=True, seconds=120):
        command = (sys.executable, "-m", "backfile.scripts.backfile", *arguments)
        return self.run(*command, check=check, seconds=seconds)

    @property
    def own_address(self):
        """What `ray start` needs to know where no name leads to the address of the host."""
        return ["--node-ip-address", self.address] if self._namespace else []

    def start_ray(self, head=None, port=None, n_cpus=1):
        """Start a node: that of the `head` of a cluster, or the head itself at this port."""
        # Ray believes that a cluster whose nodes it sees runs still; a real machine sees no others.
        fresh = tempfile.mkdtemp(dir=self._scratch)
        place = ["--head", "--port", port, "--include-dashboard=false", "--temp-dir", fresh]
        if head:
            place = ["--address", f"{head.address}:{port}"]
        self.run(RAY, "start", *place, *self.own_address, "--num-cpus", n_cpus,
                 "--object-store-memory", OBJECT_STORE)  # fmt: skip

    def processes(self, *names):
        """The processes whose command has one of these names in it; all of them without any."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with suppress(OSError):  # it has ended
                if f"{MARK}={self.name}\0".encode() in (folder / "environ").read_bytes():
                    command = (folder / "cmdline").read_bytes().decode(errors="replace")
                    if command and (not names or any(name in command for name in names)):
                        found.append(int(folder.name))
        return found

    def kill(self, *names):
        """End processes as if their machine had lost its power; return how many."""
        ended = self.processes(*names)
        for process in ended:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        return len(ended)

    def kill_ray(self):
        """End all of Ray's processes, and the shards that they have open."""
        return self.kill("raylet", "gcs_server", "ray::", "/ray/", "log_monitor", "dashboard")

    def cut(self):
        """Cut the host off the network; in place of that, let its processes stand still."""
        if self._namespace:
            subprocess.run(["ip", "link", "set", self.link, "down"], check=True)
        else:
            self._signal(signal.SIGSTOP)

    def heal(self):
        if self._namespace:
            subprocess.run(["ip", "link", "set", self.link, "up"], check=True)
        else:
            self._signal(signal.SIGCONT)

    def _signal(self, number):
        for process in self.processes():
            with suppress(ProcessLookupError):
                os.kill(process, number)


class Hosts:
    """Several machines in one network, which this process reaches, too."""

    def __init__(self, count, **environment):
        """So many hosts; all their processes have the `environment`, too."""
        self.are_apart = have_namespaces()
        own = f"b{secrets.token_hex(3)}"  # a namespace goes some time after it was deleted
        self._bridge = own
        network = f"10.77.{secrets.randbelow(250)}"
        self._scratch = tempfile.mkdtemp(prefix="bf")  # short, as names of sockets are
        self.hosts = [
            Host(f"{own}h{n}", f"{network}.{n + 2}", f"{own}n{n}", environment, self._scratch)
            if self.are_apart
            else Host(f"{own}h{n}", "127.0.0.1", None, environment, self._scratch)
            for n in range(count)
        ]
        self._network = network

    def __enter__(self):
        if self.are_apart:
            ip("link", "add", self._bridge, "type", "bridge")
            ip("addr", "add", f"{self._network}.1/24", "dev", self._bridge)
            ip("link", "set", self._bridge, "up")
            for host in self.hosts:
                self._join(host, host._namespace)
        return self.hosts

    def _join(self, host, namespace):
        ip("netns", "add", namespace)
        ip("link", "add", host.link, "type", "veth", "peer", "name", "eth0", "netns", namespace)
        ip("link", "set", host.link, "master", self._bridge, "up")
        for words in (
            ("addr", "add", f"{host.address}/24", "dev", "eth0"),
            ("link", "set", "eth0", "up"),
            ("link", "set", "lo", "up"),
            ("route", "add", "default", "via", f"{self._network}.1"),
        ):
            ip("-n", namespace, *words)

    def __exit__(self, *_):
        for host in self.hosts:
            if not self.are_apart:
                host.heal()
            until = time.monotonic() + 20
            while host.kill() and time.monotonic() < until:
                time.sleep(0.2)
            if self.are_apart:
                ip("link", "del", host.link)
                ip("netns", "del", host._namespace)
        if self.are_apart:
            ip("link", "del", self._bridge)
        shutil.rmtree(self._scratch, ignore_errors=True)


def own_disks(hosts, scratch, place):
    """Give each host but the first a folder of its own at a place, if it can have one.

    Returns these folders.
    """
    made = []
    for host in hosts[1:]:
        if host._namespace:
            disk = scratch / host.name
            disk.mkdir(mode=0o700)
            host.mounted = (disk, place)
            made.append(disk)
    return made


def ip(*words):
    subprocess.run(["ip", *words], check=True)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
