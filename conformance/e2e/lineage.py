# Real bytes through every way from one process to another: a sender reads SRC and sends it, a receiver writes what came
# into OUT. Both are made by a process that knows nothing of SRC, and nothing but the way connects them. A second pair
# does the same with OTHER, at the same time and through a way of the same sort, for what must not be told.
#
# Usage: lineage.py FOLDER [NAME...]; one line a way: NAME, ORDER, the files OUT and BESIDE, and "ok" if the bytes came
# through, else why not. ORDER: "waits" if the receiver waited when it was sent, "there" if it came later.
import ctypes, mmap, os, pty, signal, socket, sys, time, traceback, tty

FOLDER = sys.argv[1]
libc = ctypes.CDLL(None, use_errno=True)
PAUSE = 0.6


def must(value):
    if value < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return value


class Vec(ctypes.Structure):
    """struct iovec"""

    _fields_ = [("base", ctypes.c_void_p), ("len", ctypes.c_size_t)]


# Each way: make() -> (send(bytes), receive() -> bytes), made before the processes part; each of both is called once.


def pipe():
    r, w = os.pipe()
    return lambda data: os.write(w, data), lambda: os.read(r, 64)


def fifo():
    path = f"{FOLDER}/fifo-{time.monotonic_ns()}"
    os.mkfifo(path)
    fd = os.open(path, os.O_RDWR)
    return lambda data: os.write(fd, data), lambda: os.read(fd, 64)


def pair(kind):
    def make():
        a, b = socket.socketpair(socket.AF_UNIX, kind)
        return lambda data: a.send(data), lambda: b.recv(64)

    return make


def pair_back():
    a, b = socket.socketpair()
    return lambda data: b.sendall(data), lambda: os.read(a.fileno(), 64)


def unix_stream():
    path = f"{FOLDER}/s-{time.monotonic_ns()}"
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()

    def send(data):
        c = socket.socket(socket.AF_UNIX)
        c.connect(path)
        c.sendall(data)

    return send, lambda: s.accept()[0].recv(64)


def unix_answer():
    """The server answers."""
    path = f"{FOLDER}/s-{time.monotonic_ns()}"
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    s.listen()

    def receive():
        c = socket.socket(socket.AF_UNIX)
        c.connect(path)
        return c.recv(64)

    return lambda data: s.accept()[0].sendall(data), receive


def unix_datagram():
    path = f"{FOLDER}/d-{time.monotonic_ns()}"
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    return (
        lambda data: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(data, path),
        lambda: s.recv(64),
    )


def tcp(family=socket.AF_INET, host="127.0.0.1", protocol=0):
    def make():
        s = socket.socket(family, socket.SOCK_STREAM, protocol)
        s.bind((host, 0))
        s.listen()
        port = s.getsockname()[1]

        def send(data):
            c = socket.socket(family, socket.SOCK_STREAM, protocol)
            c.connect((host, port))
            c.sendall(data)

        return send, lambda: s.accept()[0].recv(64)

    return make


def tcp_answer():
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    port = s.getsockname()[1]

    def receive():
        c = socket.create_connection(("127.0.0.1", port))
        return c.recv(64)

    return lambda data: s.accept()[0].sendall(data), receive


def tcp_there():
    """A connection that was there before both."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    c = socket.create_connection(s.getsockname())
    k, _ = s.accept()
    return lambda data: c.sendall(data), lambda: k.recv(64)


def sendfile():
    """No memory of the sender's has it."""
    s = socket.socket()
    s.bind(("127.0.0.1", 0))
    s.listen()
    c = socket.create_connection(s.getsockname())
    k, _ = s.accept()
    source = os.environ["CSN_SOURCE"]
    return lambda data: os.sendfile(c.fileno(), os.open(source, os.O_RDONLY), 0, 64), lambda: k.recv(64)


def udp(family=socket.AF_INET, host="127.0.0.1", connected=False):
    def make():
        s = socket.socket(family, socket.SOCK_DGRAM)
        s.bind((host, 0))
        port = s.getsockname()[1]

        def send(data):
            c = socket.socket(family, socket.SOCK_DGRAM)
            if connected:
                c.connect((host, port))
                os.write(c.fileno(), data)
            else:
                c.sendto(data, (host, port))

        return send, lambda: s.recv(64)

    return make


def udp_many():
    """recvmmsg and its like: one call, several messages; the one before says nothing."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 0))
    port = s.getsockname()[1]
    c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    c.sendto(b"-", ("127.0.0.1", port))

    class Msg(ctypes.Structure):
        _fields_ = [
            ("name", ctypes.c_void_p),
            ("namelen", ctypes.c_uint32),
            ("iov", ctypes.c_void_p),
            ("iovlen", ctypes.c_size_t),
            ("control", ctypes.c_void_p),
            ("controllen", ctypes.c_size_t),
            ("flags", ctypes.c_size_t),
            ("got", ctypes.c_uint32),
        ]

    def receive():
        buffers = [ctypes.create_string_buffer(64) for _ in range(2)]
        vecs = [Vec(ctypes.addressof(b), 64) for b in buffers]
        many = (Msg * 2)(*[Msg(None, 0, ctypes.addressof(v), 1, None, 0, 0, 0) for v in vecs])
        must(libc.recvmmsg(s.fileno(), many, 2, 0, None))
        length = many[1].got
        return buffers[1].raw[:length]

    return lambda data: c.sendto(data, ("127.0.0.1", port)), receive


def terminal(back):
    def make():
        master, slave = pty.openpty()
        tty.setraw(slave)
        a, b = (slave, master) if back else (master, slave)
        return lambda data: os.write(a, data), lambda: os.read(b, 64)

    return make


def zeros():
    path = f"{FOLDER}/m-{time.monotonic_ns()}"
    with open(path, "wb") as f:
        f.write(bytes(64))
    return path


def shared_file():
    path = zeros()

    def send(data):
        with open(path, "r+b") as f, mmap.mmap(f.fileno(), 64) as m:
            m[: len(data)] = data

    def receive():
        with open(path, "r+b") as f, mmap.mmap(f.fileno(), 64) as m:
            return until(lambda: m[:64])

    return send, receive


def written_under_mapping():
    """Written with write(2), seen through a mapping."""
    path = zeros()

    def send(data):
        fd = os.open(path, os.O_WRONLY)
        os.write(fd, data)

    def receive():
        with open(path, "rb") as f, mmap.mmap(f.fileno(), 64, prot=mmap.PROT_READ) as m:
            return until(lambda: m[:64])

    return send, receive


def mapped_before():
    """By both, before either knew anything."""
    path = zeros()
    with open(path, "r+b") as f:
        m = mmap.mmap(f.fileno(), 64)
    return lambda data: fill(m, data), lambda: until(lambda: m[:64])


def relayed():
    """By one that maps what the sender has and what the receiver has, and calls nothing in between."""
    one, two = zeros(), zeros()

    def mapped(path):
        with open(path, "r+b") as f:
            return mmap.mmap(f.fileno(), 64)

    def relay():
        a, b = mapped(one), mapped(two)
        fill(b, until(lambda: a[:64]))

    child(relay)
    return lambda data: fill(mapped(one), data), lambda: until(lambda: mapped(two)[:64])


def anonymous():
    """Shared memory without a file, there before both."""
    m = mmap.mmap(-1, 4096)
    return lambda data: fill(m, data), lambda: until(lambda: m[:64])


def zero_device():
    """As that, by a device: older programs."""
    fd = os.open("/dev/zero", os.O_RDWR)
    m = mmap.mmap(fd, 4096)
    return lambda data: fill(m, data), lambda: until(lambda: m[:64])


def memfd():
    fd = os.memfd_create("m")
    os.ftruncate(fd, 64)
    m = mmap.mmap(fd, 64)
    return lambda data: fill(m, data), lambda: until(lambda: m[:64])


def memfd_file():
    fd = os.memfd_create("m")
    return lambda data: os.pwrite(fd, data, 0), lambda: until(lambda: os.pread(fd, 64, 0))


def fill(m, data):
    m[: len(data)] = data


def until(look):
    for _ in range(200):
        data = look().rstrip(b"\0")
        if data:
            return data
        time.sleep(0.02)
    raise TimeoutError("nothing came")


def plain_file():
    path = f"{FOLDER}/f-{time.monotonic_ns()}"

    def send(data):
        with open(path, "wb") as f:
            f.write(data)

    def receive():
        for _ in range(200):
            if os.path.exists(path):
                with open(path, "rb") as f:
                    data = f.read()
                if data:
                    return data
            time.sleep(0.02)
        raise TimeoutError("nothing came")

    return send, receive


def name_of_file():
    folder = f"{FOLDER}/n-{time.monotonic_ns()}"
    os.mkdir(folder)

    def send(data):
        os.close(os.open(f"{folder}/{data.decode().strip()}", os.O_CREAT | os.O_WRONLY))

    return send, lambda: until(lambda: "".join(os.listdir(folder)).encode())


def attribute():
    path = f"{FOLDER}/x-{time.monotonic_ns()}"
    with open(path, "wb"):
        pass

    def receive():
        return until(lambda: os.getxattr(path, "user.m") if "user.m" in os.listxattr(path) else b"")

    return lambda data: os.setxattr(path, "user.m", data), receive


def queue():
    name = f"/q-{time.monotonic_ns()}".encode()

    class Attr(ctypes.Structure):
        _fields_ = [(n, ctypes.c_long) for n in ("flags", "max", "size", "now", "a", "b", "c", "d")]

    attr = Attr(0, 4, 64)
    q = must(libc.mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, ctypes.byref(attr)))

    def receive():
        buffer = ctypes.create_string_buffer(64)
        length = must(libc.mq_receive(q, buffer, 64, None))
        return buffer.raw[:length]

    return lambda data: must(libc.mq_send(q, data, len(data), 0)), receive


def sysv_queue():
    q = must(libc.msgget(0, 0o600 | 0o1000))

    def receive():
        buffer = ctypes.create_string_buffer(8 + 64)
        length = must(libc.msgrcv(q, buffer, 64, 0, 0))
        return buffer.raw[8 : 8 + length]

    return lambda data: must(libc.msgsnd(q, (1).to_bytes(8, "little") + data, len(data), 0)), receive


def sysv_segment(early):
    def make():
        segment = must(libc.shmget(0, 4096, 0o600 | 0o1000))
        libc.shmat.restype = ctypes.c_void_p
        libc.shmat.argtypes = [ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
        at = libc.shmat(segment, None, 0) if early else None

        def memory():
            return at or libc.shmat(segment, None, 0)

        def receive():
            m = memory()
            return until(lambda: ctypes.string_at(m, 64))

        return lambda data: ctypes.memmove(memory(), data, len(data)), receive

    return make


def other_memory():
    """Reads it out of the sender, which is the parent's next child."""
    at = ctypes.create_string_buffer(64)

    def send(data):
        ctypes.memmove(at, data, len(data))
        time.sleep(2 * PAUSE)

    def look():
        time.sleep(0.1)
        parent = os.getppid()
        with open(f"/proc/{parent}/task/{parent}/children") as f:
            pids = f.read().split()
        next_one = pids[pids.index(str(os.getpid())) + 1 :][:1]
        buffer = ctypes.create_string_buffer(64)
        here, there = Vec(ctypes.addressof(buffer), 64), Vec(ctypes.addressof(at), 64)
        for pid in next_one:
            must(libc.process_vm_readv(int(pid), ctypes.byref(here), 1, ctypes.byref(there), 1, 0))
        return buffer.raw

    return send, lambda: until(look)


def descriptor():
    """A file that has it, handed over."""
    a, b = socket.socketpair()
    source = os.environ["CSN_SOURCE"]

    def send(data):
        socket.send_fds(a, [b"-"], [os.open(source, os.O_RDONLY)])

    def receive():
        _, fds, _, _ = socket.recv_fds(b, 1, 1)
        return os.read(fds[0], 64)

    return send, receive


WAYS = {
    "pipe": pipe,
    "fifo": fifo,
    "socketpair": pair(socket.SOCK_STREAM),
    "socketpair-back": pair_back,
    "socketpair-packets": pair(socket.SOCK_SEQPACKET),
    "socketpair-datagrams": pair(socket.SOCK_DGRAM),
    "unix-stream": unix_stream,
    "unix-answer": unix_answer,
    "unix-datagram": unix_datagram,
    "tcp": tcp(),
    "tcp-6": tcp(socket.AF_INET6, "::1"),
    "mptcp": tcp(protocol=262),
    "tcp-answer": tcp_answer,
    "tcp-there": tcp_there,
    "sendfile": sendfile,
    "udp": udp(),
    "udp-6": udp(socket.AF_INET6, "::1"),
    "udp-connected": udp(connected=True),
    "udp-many": udp_many,
    "terminal": terminal(False),
    "terminal-back": terminal(True),
    "file": plain_file,
    "file-name": name_of_file,
    "attribute": attribute,
    "mapping": shared_file,
    "mapping-written": written_under_mapping,
    "mapping-before": mapped_before,
    "mapping-relay": relayed,
    "memory": anonymous,
    "memory-zero": zero_device,
    "memfd": memfd,
    "memfd-file": memfd_file,
    "queue": queue,
    "sysv-queue": sysv_queue,
    "sysv-segment": sysv_segment(False),
    "sysv-segment-before": sysv_segment(True),
    "descriptor": descriptor,
    "other-memory": other_memory,
}


def child(run):
    pid = os.fork()
    if pid == 0:
        signal.alarm(20)
        try:
            run()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return pid


def play(make, order, source, target):
    """Two processes; gives their numbers."""
    os.environ["CSN_SOURCE"] = source
    send, receive = make()

    def sender():
        if order == "waits":
            time.sleep(PAUSE)
        with open(source, "rb") as f:
            send(f.read())
        if order == "waits":
            time.sleep(PAUSE)  # it is there when the receiver asks

    def receiver():
        if order == "there":
            time.sleep(PAUSE)
        data = receive()
        with open(target, "wb") as f:
            f.write(data)

    return child(receiver), child(sender)


def content(path):
    try:
        with open(path, "rb") as f:
            return f.read().strip()
    except OSError:
        return None


def way(name, order):
    number = f"{list(WAYS).index(name)}-{order}"  # the record has 23 bytes of a name
    out, beside = f"{FOLDER}/o-{number}", f"{FOLDER}/b-{number}"

    def both(source, target):
        for pid in play(WAYS[name], order, source, target):
            os.waitpid(pid, 0)

    # each pair by a process of its own: who holds the memory of both connects them
    for pid in [child(lambda: both(f"{FOLDER}/src", out)), child(lambda: both(f"{FOLDER}/other", beside))]:
        os.waitpid(pid, 0)

    def look():
        good = content(out) == content(f"{FOLDER}/src") and content(beside) == content(f"{FOLDER}/other")
        what = "ok" if good else f"came {content(out)!r} and {content(beside)!r}"
        print(name, order, out, beside, what, flush=True)

    # by a process of its own, so that nobody else here gets to know anything
    os.waitpid(child(look), 0)


for name in sys.argv[2:] or WAYS:
    for order in ("waits", "there"):
        # of its own, so that what is made for one way is in no other
        os.waitpid(child(lambda: way(name, order)), 0)
