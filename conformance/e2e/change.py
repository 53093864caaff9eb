# What the cases of modes.ts do inside a compartment: holds something, asks for another context, looks what
# came of it. Usage: change.py STEP; prints one line a finding.
import ctypes, fcntl, mmap, os, random, select, socket, sys, threading, time

SECRET, PUBLIC = "/data/mode/secret", "/data/mode/public"
serial = 0


def ask(words):
    """The answer's first two fields, and the message."""
    global serial
    serial += 1
    name = f"py-{os.getpid()}-{threading.get_ident()}-{serial}"
    os.mkfifo(f"/run/csn/{name}")
    answer = os.open(f"/run/csn/{name}", os.O_RDWR)
    try:
        with open("/run/csn/ask", "wb", 0) as f:
            f.write(f"{name} change {words}\n".encode())
        text = b""
        while b"\n" not in text:
            text += os.read(answer, 8192)
    finally:
        os.close(answer)
        os.unlink(f"/run/csn/{name}")
    return (text.decode().rstrip("\n").split("\t") + ["", ""])[:3]


def tried(call):
    try:
        call()
        return "ok"
    except OSError as e:
        return os.strerror(e.errno)


def append(path):
    fd = os.open(path, os.O_WRONLY | os.O_APPEND)
    try:
        os.write(fd, b"x")
    finally:
        os.close(fd)


def read(path):
    with open(path) as f:
        return f.read().strip()


def show(*words):
    os.write(1, (" ".join(str(w) for w in words) + "\n").encode())


def own():
    """Everything that is the compartment's own changes with it, and works on."""
    shared = mmap.mmap(-1, 4096)
    memfd = os.memfd_create("m")
    os.write(memfd, b"m")
    mapped = mmap.mmap(memfd, 1)
    r, w = os.pipe()
    event = os.eventfd(0)
    poll = select.epoll()
    pidfd = os.pidfd_open(os.getpid())
    f = open("/tmp/f", "w+")
    os.mkfifo("/tmp/fifo")
    fifo = os.open("/tmp/fifo", os.O_RDWR)
    shm = open("/dev/shm/s", "w+b")
    shm.truncate(4096)
    segment = mmap.mmap(shm.fileno(), 4096)
    child = os.fork()
    if child == 0:
        os.read(r, 1)
        show("child", tried(lambda: read(SECRET)), tried(lambda: append(PUBLIC)))
        os._exit(0)
    show("before", tried(lambda: read(SECRET)), tried(lambda: append(PUBLIC)))
    show(*ask("add=lab/patient")[:2])
    show("after", read(SECRET), tried(lambda: append(PUBLIC)))
    os.write(w, b"x")
    os.waitpid(child, 0)
    os.write(memfd, b"n"), os.write(fifo, b"x"), os.eventfd_write(event, 1), os.read(fifo, 1)
    f.write("x"), f.flush()
    shared[0:1] = mapped[0:1] = segment[0:1] = b"y"
    os.stat(f"/proc/self/fd/{memfd}"), os.fstat(pidfd), os.fstat(0), os.fstat(1)
    show("own", read("/tmp/f"), tried(lambda: mmap.mmap(memfd, 1)), tried(lambda: open("/tmp/new", "w").close()))
    show(*ask("add=lab/patient")[:2])  # it has that context already


def endpoints():
    """Each kind of thing that is not, refused and named."""

    def refused(what, words="add=lab/patient"):
        code = ask(words)
        show(what, *code[:2], code[2].rpartition("found ")[2])

    f = open(PUBLIC, "r+b")
    refused("file")
    m = mmap.mmap(f.fileno(), 1)
    f.close()
    refused("mapping")
    m.close()
    with socket.socket(socket.AF_UNIX):
        refused("socket")
    with open(PUBLIC, "rb") as f:
        fcntl.flock(f, fcntl.LOCK_SH)
        refused("lock")
    with open(PUBLIC, "rb") as f:
        child = os.fork()
        if child == 0:
            kept = open(PUBLIC, "ab")
            time.sleep(1000)
        while not os.path.exists(f"/proc/{child}/fd/{f.fileno() + 1}"):
            time.sleep(0.01)
        refused("child")
        os.kill(child, 9)
        os.waitpid(child, 0)
    refused("output", "add=lab/above")
    os.chdir("/data/mode")
    refused("integrity", "add-integrity=clinic/validated")
    os.chdir("/")
    refused("unknown", "add=lab/nobody")
    refused("both", "add=lab/patient drop=lab/patient")
    refused("word", "remove=lab/patient")
    show("still", tried(lambda: read(SECRET)), tried(lambda: append(PUBLIC)))
    show(*ask("add=lab/patient")[:2])
    with open(SECRET):
        refused("held", "drop=lab/patient")
    libc = ctypes.CDLL(None)
    watch = libc.inotify_init()
    libc.inotify_add_watch(watch, b"/data/mode", 2)
    refused("watch", "drop=lab/patient")
    os.close(watch)
    os.chdir("/data/mode/below")
    refused("folder", "drop=lab/patient")
    os.chdir("/")
    show(*ask("drop=lab/patient")[:2])
    show("dropped", tried(lambda: read(SECRET)), tried(lambda: append(PUBLIC)))


def passed():
    """Who has passed a descriptor may have left one with somebody."""
    a, b = socket.socketpair()
    socket.send_fds(a, [b"x"], [0])
    os.close(socket.recv_fds(b, 1, 1)[1][0])
    a.close(), b.close()
    show(*ask("add=lab/patient")[:2])
    show("still", tried(lambda: read(SECRET)), tried(lambda: append(PUBLIC)))


def hostile():
    """Requests that are none, and answers into what is no FIFO; then one that is right."""
    with open("/run/csn/ask", "wb", 0) as f:
        for line in (b"x" * 3000, b"x" * 5000 + b"\n", b"\n", b" \n", b"a\0b change\n", b"/etc/passwd change\n",
                     b"../x change\n", b"ask change\n", b"nobody change add=lab/patient\xff\n", b"link change\n", b"file change\n",
                     b"deaf change\n"):
            os.symlink("/tmp/target", "/run/csn/link") if line.startswith(b"link") else None
            open("/run/csn/file", "w").close() if line.startswith(b"file") else None
            os.mkfifo("/run/csn/deaf") if line.startswith(b"deaf") else None
            f.write(line)
        for i in range(300):
            f.write(b"flood change add=lab/nobody\n")
    show(*ask("add=lab/patient")[:2])
    show("after", read(SECRET), os.path.getsize("/run/csn/file"), os.path.exists("/tmp/target"))


def race():
    """Opens, maps, forks and passes in a loop while changes are asked for: no mark that was set after the
    change may reach what is public."""
    mark = bytearray(b"-")
    end = [False]

    def each(work):
        while not end[0]:
            try:
                work()
            except (OSError, ValueError):
                pass
            time.sleep(random.random() / 20)  # at some moment nothing may be held

    def opens():
        with open(PUBLIC, "ab", 0) as f:
            f.write(mark)

    def maps():
        with open(PUBLIC + ".map", "r+b") as f, mmap.mmap(f.fileno(), 1) as m:
            m[0:1] = bytes(mark)

    def forks():
        child = os.fork()
        if child == 0:
            tried(opens)
            os._exit(0)
        os.waitpid(child, 0)

    def pipes():
        r, w = os.pipe()
        os.write(w, mark), os.read(r, 1), os.close(r), os.close(w)

    threads = [threading.Thread(target=each, args=(w,)) for w in (opens, opens, maps, forks, pipes)]
    for t in threads:
        t.start()
    answers = {"done": 0, "E_ENDPOINT": 0}
    for _ in range(500):
        word, code, _text = ask("add=lab/patient")
        answers[code or word] = answers.get(code or word, 0) + 1
        if word == "done":
            mark[0:1] = read(SECRET)[0:1].encode()
            break
    time.sleep(0.5)
    end[0] = True
    for t in threads:
        t.join()
    show("answers", set(answers) == {"done", "E_ENDPOINT"} and answers["done"] == 1, answers)


globals()[sys.argv[1]]()
