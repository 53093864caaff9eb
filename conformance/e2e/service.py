"""A service as it is found in the wild: the standard library's web server, with uploads; and what is asked of it.

Usage: service.py FOLDER. Serves it on the compartment's own network, asks for each path of the list below, and prints the
answers. It knows nothing of labels. With WAIT set it then waits until that file is there.
"""
import http.server
import os
import sys
import threading
import time
import urllib.request

ASKED = (
    ("GET", "/open.txt"),
    ("GET", "/secret.txt"),
    ("GET", "/other.txt"),
    ("GET", "/below/"),
    ("GET", "/secret.txt"),
    ("PUT", "/mine/copy.txt"),
    ("PUT", "/out.txt"),
    ("PUT", "/vouched.txt"),
    ("GET", "/open.txt"),
)


class Service(http.server.SimpleHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            with open(self.translate_path(self.path), "r+b") as file:
                file.write(body)
            self.send_response(204)
        except OSError:
            self.send_response(403)
        self.end_headers()

    def log_message(self, *words):
        pass


def ask(port, method, path):
    body = b"uploaded" if method == "PUT" else None
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=body, method=method)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


os.chdir(sys.argv[1])
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Service)
threading.Thread(target=server.serve_forever, daemon=True).start()
for method, path in ASKED:
    print(method, path, ask(server.server_port, method, path), flush=True)
while os.environ.get("WAIT") and not os.path.exists(os.environ["WAIT"]):
    time.sleep(0.2)
