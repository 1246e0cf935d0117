"""Processes that tests start and kill, forked from a server that has loaded what they need."""

import multiprocessing
from multiprocessing import forkserver, resource_tracker

PROCESSES = multiprocessing.get_context("forkserver")


def share_forkserver() -> None:
    """Fork what this process starts from the server that it was itself forked from.

    `ForkServer.ensure_running` promises that, and starts another server, which loads it all again:
    it looks for a process id that only the process has that started the first one.
    """
    server = forkserver._forkserver
    assert server.get_inherited_fds() is not None, "this process is not from a server"
    server.ensure_running = resource_tracker.ensure_running
