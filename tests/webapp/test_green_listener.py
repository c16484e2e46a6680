"""Connections of green threads: a client that sends without pause does not keep the others waiting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CALLS = 100
PROGRAM = f"""
import eventlet
eventlet.monkey_patch()
import socket
from webapp import green_listener

def count():
    while True:
        turns.append(1)
        eventlet.sleep(0)

green_listener.TURN_S = 0
source = eventlet.listen(("127.0.0.1", 0))
listener = green_listener.PatientListener(source.fd)
client = eventlet.connect(listener.getsockname())
connection, _ = listener.accept()
assert isinstance(connection, green_listener.FairSocket)
client.sendall(bytes({CALLS}))
connection.recv({CALLS}, socket.MSG_PEEK)
turns = []
eventlet.spawn(count)
for _ in range({CALLS}):
    {{use}}
print(len(turns))
"""


@pytest.mark.parametrize(
    "use",
    ["connection.recv(1)", "connection.recv_into(bytearray(1))", "connection.sendall(b'x')"],
    ids=["recv", "recv_into", "send"],
)
def test_others_have_their_turn_while_one_connection_never_waits(use: str) -> None:
    program = PROGRAM.format(use=use)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert CALLS - 5 <= int(done.stdout) <= CALLS + 5
