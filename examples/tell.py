"""Says hello to whoever listens, reads a file, and tries to send it there. Usage: tell.py PORT-FILE FILE"""
import socket, sys


def send(data: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), 5) as connection:
        connection.sendall(data)


port = int(open(sys.argv[1]).read())
send(b"hello\n")
send(open(sys.argv[2], "rb").read())
