"""Un-masking is right for every length and offset, and limits that can be tested without a socket."""

from __future__ import annotations

import random

import pytest
import socketio
from engineio.packet import Packet
from eventlet.websocket import RFC6455WebSocket

from webapp.eventlet_websocket import check_unmasking, unmask
from webapp.meter import Allowance
from webapp.open_sockets import OpenSockets
from webapp.wire import MAX_MESSAGE_VALUES, OneAttachmentPacket, limit_messages


@pytest.mark.parametrize("length", [0, 1, 2, 3, 4, 5, 7, 8, 1000, 4099])
@pytest.mark.parametrize("offset", [0, 1, 2, 3, 4, 1449])
def test_unmasking_is_the_libraries_own(length: int, offset: int) -> None:
    chance = random.Random(length + offset)
    data, mask = chance.randbytes(length), tuple(chance.randbytes(4))
    assert unmask(data, mask, length=length, offset=offset) == RFC6455WebSocket._apply_mask(data, mask, length, offset)
    assert unmask(data, mask) == RFC6455WebSocket._apply_mask(data, mask)


def test_a_library_that_unmasks_in_another_way_is_noticed() -> None:
    limit_messages(socketio.Server(async_mode="eventlet"), Allowance.of(30, 1 << 19), lambda reason: None)

    class Changed(RFC6455WebSocket):
        def _recv_frame(self, message: object = None) -> object:
            received = self.Message(2, 1 << 20)
            received.push(bytes(range(256)) * 5, final=True)
            return received

    class Wrong(RFC6455WebSocket):
        @staticmethod
        def _apply_mask(data: bytes, mask: object, length: object = None, offset: int = 0) -> bytes:
            return data

    with pytest.raises(RuntimeError, match="un-masks in another way"):
        check_unmasking(Changed)
    with pytest.raises(RuntimeError, match="un-masks in another way"):
        check_unmasking(Wrong)


def test_one_attachment_is_a_picture_and_two_are_refused() -> None:
    assert OneAttachmentPacket(encoded_packet='51-["frame",{"_placeholder":true,"num":0}]').attachment_count == 1
    with pytest.raises(ValueError, match="at most one attachment, received 2"):
        OneAttachmentPacket(encoded_packet='52-["frame",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]')


@pytest.mark.parametrize("value", ["{}", "[]", "0"])
def test_a_message_has_few_values(value: str) -> None:
    few, many = (f'2["frame",{",".join([value] * count)}]' for count in (4000, MAX_MESSAGE_VALUES))
    assert len(OneAttachmentPacket(encoded_packet=few).data) == 4001
    with pytest.raises(ValueError, match="expected a message with at most 16384 values, received about"):
        OneAttachmentPacket(encoded_packet=many)


@pytest.mark.parametrize("kind", "012345679")
@pytest.mark.parametrize("json", ["[{},{}]", '{"":0}', " [0]", '"x"', "-1", "true", "probe"])
def test_a_text_that_the_library_would_parse_by_itself_is_refused(kind: str, json: str) -> None:
    closed: list[str] = []
    sockets = OpenSockets(socketio.Server(async_mode="threading"), closed.append)
    assert sockets.admit({}, kind + json) is None
    assert closed == ["protocol"]


def test_what_clients_send_is_admitted_and_not_parsed_before_it_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[str] = []
    sockets = OpenSockets(socketio.Server(async_mode="threading"), closed.append)
    parsed: list[str] = []
    monkeypatch.setattr(Packet.json, "loads", parsed.append)
    for text in ("1", "3", "40", "41", '40{"token":"x"}', '42["join"]', '451-0["frame",{"_placeholder":true,"num":0}]'):
        assert sockets.admit({}, text) == text
        assert Packet(encoded_packet=text).data == text[1:]
    assert sockets.admit({}, b"4[{}]") == b"4[{}]"
    assert sockets.admit({}, None) is None
    assert parsed == closed == []


def test_an_attachment_is_binary() -> None:
    packet = OneAttachmentPacket(encoded_packet='51-["frame",{"_placeholder":true,"num":0}]')
    with pytest.raises(ValueError, match="expected a binary attachment, received str"):
        packet.add_attachment("0")
    assert packet.add_attachment(b"picture") is True


def test_a_library_without_what_is_replaced_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("engineio.socket.Socket.schedule_ping")
    with pytest.raises(RuntimeError, match=r"expected .*schedule_ping"):
        limit_messages(socketio.Server(async_mode="threading"), Allowance.of(30, 1 << 19), lambda reason: None)
