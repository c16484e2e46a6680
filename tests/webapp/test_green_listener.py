"""Connections of green threads: a client that sends without pause does not keep the others waiting."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SIZE = 60_000
PROGRAM = f"""
import eventlet
eventlet.monkey_patch()
import time
from webapp.green_listener import FairSocket, PatientListener

def count():
    while True:
        turns.append(1)
        eventlet.sleep(0)

source = eventlet.listen(("127.0.0.1", 0))
listener = PatientListener(source.fd)
client = eventlet.connect(listener.getsockname())
connection, _ = listener.accept()
assert isinstance(connection, FairSocket)
{{prepare}}
turns = []
eventlet.spawn(count)
began_s = time.monotonic()
for _ in range({SIZE}):
    {{use}}
    if time.monotonic() - began_s > 0.1:
        break
print(len(turns))
"""


@pytest.mark.parametrize(
    ("prepare", "use"),
    [
        (f"client.sendall(bytes({SIZE})); eventlet.sleep(0.1)", "connection.recv(1)"),
        (f"client.sendall(bytes({SIZE})); eventlet.sleep(0.1)", "connection.recv_into(bytearray(1))"),
        ("", "connection.sendall(b'x'); client.recv(1)"),
    ],
    ids=["recv", "recv_into", "send"],
)
def test_others_have_their_turn_while_one_connection_never_waits(prepare: str, use: str) -> None:
    program = PROGRAM.format(prepare=prepare, use=use)
    done = subprocess.run([sys.executable, "-W", "ignore", "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) >= 5
