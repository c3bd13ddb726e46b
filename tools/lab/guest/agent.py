# SPDX-License-Identifier: GPL-2.0
"""The lab's agent inside a guest: does what the host asks over a virtio-serial port.

One JSON object per line, both ways. A request carries an `id` and an `op`; everything the agent sends
about it carries the same `id`. The answer that ends a request has the key `rc` (a command's exit status,
0 or 1 for the rest; `error` says why). Before it may come any number of pieces of output:
`{"id": 1, "stream": "stdout", "data": "text"}`.

  hello                       facts about the guest
  run     cmd, timeout, cwd, env, stdin
                              cmd is a shell string (bash) or an argument list; timeout in seconds or null
  signal  target, signal      sends a signal to the process group of request `target`
  read    path                the file's bytes as base64 pieces on stream "data"
  write   path, data, append, mode
  connect path                opens a unix socket; its bytes come on stream "data" as base64, the first
                              piece empty: connected
  send    target, data        writes to the socket of request `target`
"""

import os


def reap():
    """Process 1 ends here never: it waits for orphans, and the agent is its child."""
    agent = os.fork()
    if agent:
        while os.wait()[0] != agent:
            pass
        with open("/dev/kmsg", "w") as log:
            log.write("lab: the agent ended\n")
        os.execv("/usr/bin/busybox", ["busybox", "poweroff", "-f"])


# Before the imports, which take a second in a VM in a guest.
if os.getpid() == 1:
    reap()

import base64
import codecs
import json
import signal
import socket
import subprocess
import threading
import time

PIECE = 32768
# A daemon that a command left behind may hold its pipes open: after the command's end, output is awaited
# this long at most.
DRAIN_SECONDS = 1.0


def find_port():
    """Path of the virtio-serial port named for the agent (there is no udev to make a link)."""
    folder = "/sys/class/virtio-ports"
    for port in os.listdir(folder):
        if not os.path.exists(f"{folder}/{port}/name"):
            continue
        with open(f"{folder}/{port}/name") as file:
            if file.read().strip() == "lab.agent":
                return f"/dev/{port}"
    raise SystemExit("no agent port")


class Agent:
    def __init__(self, port):
        self.port = port
        self.write_lock = threading.Lock()
        self.targets = {}

    def send(self, **message):
        data = (json.dumps(message) + "\n").encode()
        with self.write_lock:
            while data:
                data = data[os.write(self.port, data):]

    def serve(self):
        pending = b""
        while True:
            data = os.read(self.port, 65536)
            if not data:
                # The host's end is closed; wait for it to come back.
                pending = b""
                time.sleep(0.05)
                continue
            *lines, pending = (pending + data).split(b"\n")
            for line in lines:
                if line:
                    self.start(json.loads(line))

    def start(self, request):
        if request["op"] == "send":
            # In order, so not in a thread of its own.
            self.guarded(request)
        else:
            threading.Thread(target=self.guarded, args=(request,), daemon=True).start()

    def guarded(self, request):
        ident = request["id"]
        try:
            end = getattr(self, "do_" + request["op"])(ident, request) or {"rc": 0}
        except Exception as error:  # The host gets every failure as the answer.
            end = {"rc": 1, "error": f"{type(error).__name__}: {error}"}
        finally:
            self.targets.pop(ident, None)
        self.send(id=ident, **end)

    def do_hello(self, ident, request):
        pci = {}
        for address in sorted(os.listdir("/sys/bus/pci/devices")):
            words = []
            for name in ("vendor", "device"):
                with open(f"/sys/bus/pci/devices/{address}/{name}") as file:
                    words.append(file.read().strip()[2:])
            pci[address] = ":".join(words)
        with open("/proc/cmdline") as file:
            cmdline = file.read().strip()
        return {"rc": 0, "kernel": os.uname().release, "cmdline": cmdline, "pci": pci}

    def do_run(self, ident, request):
        cmd = request["cmd"]
        if isinstance(cmd, str):
            cmd = ["/bin/bash", "-c", cmd]
        stdin = request.get("stdin")
        process = subprocess.Popen(
            cmd, cwd=request.get("cwd") or "/root", start_new_session=True,
            env={**os.environ, **(request.get("env") or {})},
            stdin=subprocess.DEVNULL if stdin is None else subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.targets[ident] = process
        pumps = [threading.Thread(target=self.pump, args=(ident, name, pipe), daemon=True)
                 for name, pipe in (("stdout", process.stdout), ("stderr", process.stderr))]
        for pump in pumps:
            pump.start()
        if stdin is not None:
            threading.Thread(target=self.feed, args=(process.stdin, stdin), daemon=True).start()
        end = {}
        try:
            process.wait(request.get("timeout"))
        except subprocess.TimeoutExpired:
            end["timeout"] = True
            os.killpg(process.pid, signal.SIGKILL)
            # In the kernel for good? Then say so rather than wait for ever.
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                return {"rc": 1, "timeout": True, "error": "does not die: stuck in the kernel"}
        limit = time.monotonic() + DRAIN_SECONDS
        for pump in pumps:
            pump.join(max(0.0, limit - time.monotonic()))
        return {"rc": process.returncode, **end}

    def pump(self, ident, name, pipe):
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        while data := os.read(pipe.fileno(), PIECE):
            self.send(id=ident, stream=name, data=decoder.decode(data))

    @staticmethod
    def feed(pipe, text):
        try:
            pipe.write(text.encode())
            pipe.close()
        except BrokenPipeError:
            pass

    def do_signal(self, ident, request):
        process = self.targets.get(request["target"])
        if process is None or process.poll() is not None:
            return {"rc": 1, "error": "not running"}
        os.killpg(process.pid, request["signal"])

    def do_read(self, ident, request):
        with open(request["path"], "rb") as file:
            while data := file.read(PIECE):
                self.send(id=ident, stream="data", data=base64.b64encode(data).decode())

    def do_write(self, ident, request):
        with open(request["path"], "ab" if request.get("append") else "wb") as file:
            file.write(base64.b64decode(request["data"]))
            if request.get("mode") is not None:
                os.fchmod(file.fileno(), request["mode"])

    def do_connect(self, ident, request):
        with socket.socket(socket.AF_UNIX) as peer:
            peer.connect(request["path"])
            self.targets[ident] = peer
            # An empty piece says that "send" may begin.
            self.send(id=ident, stream="data", data="")
            while data := peer.recv(PIECE):
                self.send(id=ident, stream="data", data=base64.b64encode(data).decode())

    def do_send(self, ident, request):
        self.targets[request["target"]].sendall(base64.b64decode(request["data"]))


def main():
    os.chdir("/")
    Agent(os.open(find_port(), os.O_RDWR)).serve()


main()
