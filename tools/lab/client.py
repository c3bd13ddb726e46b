# SPDX-License-Identifier: GPL-2.0
"""Talks to a guest's agent (guest/agent.py, which describes the protocol).

Time limits are given for the stock kernel; patience() stretches them here, where they are waited for.
"""

import base64
import dataclasses
import itertools
import json
import queue
import shlex
import signal
import socket
import threading
import time

from .kernel import patience


class GuestError(Exception):
    """The guest is gone, does not answer, or refused a request."""


class CommandFailed(GuestError):
    """A command that had to succeed did not. `result` is its Result."""

    def __init__(self, result):
        self.result = result
        tail = (result.stderr.strip() or result.stdout.strip())[-2000:]
        super().__init__(f"{result.describe()}: {tail or 'no output'}")


@dataclasses.dataclass
class Result:
    """What a command in a guest did."""

    cmd: str
    rc: int
    stdout: str
    stderr: str
    timeout: bool = False
    seconds: float = 0.0

    @property
    def ok(self):
        """True when the command ended by itself with status 0."""
        return self.rc == 0 and not self.timeout

    @property
    def out(self):
        """Standard output without the white space around it."""
        return self.stdout.strip()

    def describe(self):
        how = "timed out" if self.timeout else f"exit status {self.rc}"
        return f"`{self.cmd}`: {how}"


class Process:
    """A command that runs in the background of a guest."""

    def __init__(self, agent, cmd, request):
        self._agent = agent
        self._cmd = cmd
        self._request = request
        self._started = time.monotonic()
        self._out = {"stdout": "", "stderr": ""}
        self._end = None

    @property
    def stdout(self):
        """Standard output so far."""
        self._take(0)
        return self._out["stdout"]

    @property
    def running(self):
        """True until the command has ended."""
        self._take(0)
        return self._end is None

    def wait(self, timeout=60):
        """Waits for the end and returns the Result; GuestError if it does not come in `timeout` seconds."""
        if not self._take(patience(timeout)):
            raise GuestError(f"`{self._cmd}` still runs after {timeout} s")
        end = self._end
        return Result(self._cmd, end["rc"], self._out["stdout"], self._out["stderr"],
                      end.get("timeout", False), time.monotonic() - self._started)

    def wait_for(self, text, timeout=30):
        """Waits until `text` is in the standard output."""
        limit = time.monotonic() + patience(timeout)
        while text not in self._out["stdout"]:
            left = limit - time.monotonic()
            if self._end is not None or left <= 0:
                raise GuestError(f"`{self._cmd}` did not print {text!r} but {self._out}")
            self._take(left, once=True)

    def signal(self, number=signal.SIGTERM):
        """Sends a signal to the command and its children."""
        self._agent.call("signal", target=self._request.ident, signal=int(number))

    def stop(self, timeout=10):
        """Ends the command, by SIGTERM and then SIGKILL, and returns its Result."""
        for number in (signal.SIGTERM, signal.SIGTERM, signal.SIGKILL):
            if self._end is None:
                self.signal(number)
                if self._take(patience(timeout / 3)):
                    break
        return self.wait(1)

    def _take(self, timeout, once=False):
        """Moves what came from the guest into this object; True when the command has ended."""
        limit = None if timeout is None else time.monotonic() + timeout
        while self._end is None:
            try:
                left = None if limit is None else max(0, limit - time.monotonic())
                message = self._request.next(left)
            except queue.Empty:
                return False
            if "rc" in message:
                if "error" in message and not message.get("timeout"):
                    raise GuestError(f"`{self._cmd}`: {message['error']}")
                self._end = message
            else:
                self._out[message["stream"]] += message["data"]
                if self._request.watch:
                    self._request.watch(message["stream"], message["data"])
            if once:
                break
        return self._end is not None


class _Request:
    def __init__(self, agent, ident, watch=None):
        self._agent = agent
        self.ident = ident
        self.watch = watch
        self.messages = queue.Queue()

    def next(self, timeout):
        """The next message about this request; queue.Empty after `timeout` seconds (None: no limit)."""
        message = self.messages.get(timeout=timeout) if timeout != 0 else self.messages.get_nowait()
        if message is None:
            self.messages.put(None)
            raise self._agent.gone()
        return message


class Agent:
    """The host's end of an agent.

    `link` has `send(bytes)`, `recv() -> bytes` (empty at the end) and `close()`; `explain()` returns what can be
    said about a guest that is gone.
    """

    def __init__(self, link, explain=lambda: ""):
        self._link = link
        self._explain = explain
        self._ids = itertools.count(1)
        self._requests = {}
        self._lock = threading.Lock()
        # A lock of its own: answers must be read while a long request waits to be taken.
        self._send_lock = threading.Lock()
        self._gone = False
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        pending = b""
        try:
            while data := self._link.recv():
                *lines, pending = (pending + data).split(b"\n")
                for line in lines:
                    self._deliver(line)
        except OSError:
            pass
        with self._lock:
            self._gone = True
            for request in self._requests.values():
                request.messages.put(None)

    def _deliver(self, line):
        try:
            message = json.loads(line)
        except ValueError:
            return
        with self._lock:
            request = self._requests.get(message.get("id"))
            if request and "rc" in message:
                del self._requests[request.ident]
        if request:
            request.messages.put(message)

    def request(self, op, watch=None, **fields):
        """Sends a request; its answers come through the object returned."""
        request = _Request(self, next(self._ids), watch)
        with self._lock:
            if self._gone:
                raise self.gone()
            self._requests[request.ident] = request
        try:
            with self._send_lock:
                self._link.send((json.dumps({"id": request.ident, "op": op, **fields}) + "\n").encode())
        except OSError as error:
            raise self.gone() from error
        return request

    def gone(self):
        """The error that says the guest is gone, and why as far as it is known."""
        return GuestError(f"the guest is gone{self._explain()}")

    def call(self, op, timeout=60, **fields):
        """Sends a request and returns (last message, bytes of its "data" stream)."""
        request = self.request(op, **fields)
        timeout = patience(timeout)
        limit = time.monotonic() + timeout
        data = b""
        while True:
            try:
                message = request.next(max(0.001, limit - time.monotonic()))
            except queue.Empty:
                raise GuestError(f"no answer to {op} in {timeout} s") from None
            if "rc" in message:
                return message, data
            data += base64.b64decode(message["data"])

    def checked(self, op, timeout=60, **fields):
        """Like call(), with GuestError when the agent refuses."""
        message, data = self.call(op, timeout, **fields)
        if message["rc"] != 0:
            raise GuestError(f"{op}: {message.get('error', 'failed')}")
        return message, data

    def close(self):
        """Closes the link; requests under way end with GuestError."""
        self._link.close()


class SocketLink:
    """A link over a unix socket of QEMU's."""

    def __init__(self, path):
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(path))

    def send(self, data):
        self._socket.sendall(data)

    def recv(self):
        return self._socket.recv(65536)

    def close(self):
        try:
            self._socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self._socket.close()


class TunnelLink:
    """A link over a unix socket inside a guest, through that guest's own agent."""

    def __init__(self, agent, path):
        self._agent = agent
        self._request = agent.request("connect", path=path)
        first = self._request.next(30)
        if "rc" in first:
            raise GuestError(f"{path}: {first.get('error', 'closed')}")

    def send(self, data):
        self._agent.checked("send", target=self._request.ident, data=base64.b64encode(data).decode())

    def recv(self):
        try:
            message = self._request.next(None)
        except GuestError:
            return b""
        return b"" if "rc" in message else base64.b64decode(message["data"])

    def close(self):
        # The socket's other end is a QEMU that the owner of this link ends.
        pass


class Guest:
    """What tests do with a guest, whatever level it runs at. `agent` is set by the subclass."""

    agent: Agent

    def run(self, cmd, timeout=60, check=False, stdin=None, cwd=None, env=None, watch=None):
        """Runs a command and returns its Result.

        `cmd` is a string for bash or a list of arguments. After `timeout` seconds (None: no limit) it is
        killed with its children and the Result says so. `watch(stream, text)` sees output as it comes.
        With `check`, anything but success raises CommandFailed.
        """
        process = self.start(cmd, timeout=timeout, stdin=stdin, cwd=cwd, env=env, watch=watch)
        # The guest keeps the time; the reserve is for its answer, under load.
        result = process.wait(None if timeout is None else timeout + 30)
        if check and not result.ok:
            raise CommandFailed(result)
        return result

    def check(self, cmd, timeout=60, **more):
        """Runs a command that must succeed and returns its standard output, stripped."""
        return self.run(cmd, timeout, check=True, **more).out

    def start(self, cmd, timeout=None, stdin=None, cwd=None, env=None, watch=None):
        """Starts a command in the background and returns its Process."""
        text = cmd if isinstance(cmd, str) else shlex.join(cmd)
        request = self.agent.request("run", watch=watch, cmd=cmd, timeout=patience(timeout), stdin=stdin, cwd=cwd,
                                     env=env)
        return Process(self.agent, text, request)

    def read(self, path):
        """A file of the guest as text, as it is."""
        return self.get(path).decode(errors="replace")

    def get(self, path):
        """A file of the guest as bytes."""
        return self.agent.checked("read", path=path)[1]

    def put(self, path, data, mode=None):
        """Writes a file in the guest (`data`: str or bytes)."""
        data = data.encode() if isinstance(data, str) else data
        for start in range(0, max(len(data), 1), 1 << 18):
            piece = base64.b64encode(data[start:start + (1 << 18)]).decode()
            self.agent.checked("write", path=path, data=piece, append=start > 0, mode=mode)

    def wait_until(self, cmd, timeout=30, every=0.2):
        """Repeats a shell command until it succeeds and returns its Result; GuestError after `timeout` s."""
        limit = time.monotonic() + patience(timeout)
        while True:
            result = self.run(cmd, timeout=timeout)
            if result.ok:
                return result
            if time.monotonic() > limit:
                raise GuestError(f"not in {timeout} s: {result.describe()}: {result.stderr or result.stdout}")
            time.sleep(every)
