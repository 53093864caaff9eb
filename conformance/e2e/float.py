# What the cases of float.ts do inside a compartment that floats. Usage: float.py STEP; prints one line a finding.
import ctypes, mmap, os, socket, subprocess, sys, threading, time

AT = "/data/float"
P, Q, PUBLIC = f"{AT}/p/f", f"{AT}/q/f", f"{AT}/u/f"
libc = ctypes.CDLL(None, use_errno=True)


def tried(call):
    try:
        return call() or "ok"
    except OSError as e:
        return os.strerror(e.errno)


def read(path):
    fd = os.open(path, os.O_RDONLY)
    try:
        return os.read(fd, 100).decode().strip() or "empty"
    finally:
        os.close(fd)


def append(path):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, b"x")
    finally:
        os.close(fd)


def show(*words):
    os.write(1, (" ".join(str(w) for w in words) + "\n").encode())


def plain():
    show("before", tried(lambda: append(f"{AT}/u/w")))
    show("read", tried(lambda: read(P)))
    show("after", tried(lambda: append(f"{AT}/u/w")), tried(lambda: append(f"{AT}/p/w")))
    show("beyond", tried(lambda: read(Q)))


def empty():
    show("empty", tried(lambda: read(f"{AT}/p/empty")), tried(lambda: append(f"{AT}/u/w")))


def helper():
    """Looks whether it was sent something, and if it still can, tells everybody that it was not."""
    number = sys.argv[2]
    show("helper", tried(lambda: read(f"{AT}/p/sent-{number}")), tried(lambda: append(f"{AT}/u/heard-{number}")))


def held():
    fd = os.open(f"{AT}/u/w", os.O_WRONLY)
    show("held", tried(lambda: read(P)), tried(lambda: os.write(fd, b"x") and None))
    os.close(fd)
    show("closed", tried(lambda: read(P)))


def writes():
    """To open a file to write, or to make a name in a folder, tells something of them."""
    if sys.argv[2] == "open":
        append(f"{AT}/pw")
        show("opened", tried(lambda: append(f"{AT}/u/w")))
        return
    os.close(os.open(f"{AT}/p/made-{os.getpid()}", os.O_WRONLY | os.O_CREAT, 0o600))
    show("made", tried(lambda: append(f"{AT}/u/w")))


def names():
    """Each way to name a file, in a process of its own, as far as it goes: all of them share the context."""
    os.symlink(P, "/tmp/link")
    folder = os.open(AT, os.O_RDONLY)
    os.mkdir("/tmp/deep")
    long = "/tmp/" + "./" * 2000 + "link"
    page = mmap.mmap(-1, 8192)
    base = ctypes.addressof(ctypes.c_char.from_buffer(page))
    libc.mprotect(ctypes.c_void_p(base + 4096), 4096, 0)
    edge = base + 4096 - len(P) - 1
    ctypes.memmove(edge, P.encode() + b"\0", len(P) + 1)

    def by_edge():
        fd = libc.open(ctypes.c_void_p(edge), 0)
        if fd < 0:
            raise OSError(ctypes.get_errno(), "")
        return os.read(fd, 9).decode().strip()

    def by_fault():
        if libc.open(ctypes.c_void_p(base + 4096), 0) < 0:
            raise OSError(ctypes.get_errno(), "")

    ways = {
        "symlink": lambda: read("/tmp/link"),
        "relative": lambda: os.chdir("/data") or read("float/p/f"),
        "dotted": lambda: read(f"{AT}/u/../p/f"),
        "at": lambda: os.read(os.open("p/f", os.O_RDONLY, dir_fd=folder), 9).decode().strip(),
        "chdir": lambda: os.chdir(f"{AT}/p") or read("f"),
        "long": lambda: read(long),
        "edge": by_edge,
        "exec": lambda: subprocess.run([f"{AT}/p/program"], capture_output=True).stdout.decode().strip(),
        "stat": lambda: os.stat(P).st_size > 0 and "P",
        "list": lambda: "f" in os.listdir(f"{AT}/p") and "P",
        "fault": by_fault,
        "missing": lambda: read(f"{AT}/p/none"),
    }
    way = sys.argv[2]
    show(way, tried(ways[way]), tried(lambda: append(f"{AT}/u/w")))


def together():
    """Many threads and processes at once, each after a label of its own."""
    found = []

    def thread(path):
        for _ in range(5):
            found.append(tried(lambda: read(path)))

    children = [subprocess.Popen(["cat", path], stdout=subprocess.PIPE) for path in [P, Q] * 4]
    threads = [threading.Thread(target=thread, args=(path,)) for path in [P, Q, PUBLIC] * 3]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    texts = sorted({child.communicate()[0].decode().strip() for child in children})
    show("together", *texts, *sorted(set(found)))


def race():
    """A name that leads elsewhere between the question and the call: what is beyond the clearance stays so."""
    os.symlink(P, "/tmp/r")
    end = time.time() + 15
    stop = False

    def swap():
        i = 0
        while not stop:
            os.symlink([P, Q, PUBLIC][i % 3], "/tmp/r2")
            os.rename("/tmp/r2", "/tmp/r")
            i += 1

    swapper = threading.Thread(target=swap)
    swapper.start()
    found = set()
    tries = 0
    while time.time() < end:
        found.add(tried(lambda: read("/tmp/r")))
        tries += 1
    stop = True
    swapper.join()
    show("race", *sorted(found - {"No such file or directory"}), tried(lambda: append(f"{AT}/u/w")))


def network():
    port = int(sys.argv[2])

    def send(word):
        with socket.create_connection(("127.0.0.1", port), 5) as s:
            s.sendall(word)

    show("before", tried(lambda: send(b"before")))
    show("read", tried(lambda: read(P)))
    show("after", tried(lambda: send(b"after")))


globals()[sys.argv[1]]()
