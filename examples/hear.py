"""Listens on loopback and keeps what it hears. Usage: hear.py FOLDER (gets `port` and `heard`)"""
import os, socket, sys

server = socket.create_server(("127.0.0.1", 0))
with open(os.path.join(sys.argv[1], "heard"), "wb", 0) as heard:
    with open(os.path.join(sys.argv[1], "port"), "w") as port:
        port.write(str(server.getsockname()[1]))
    while True:
        with server.accept()[0] as connection:
            while data := connection.recv(65536):
                heard.write(data)
