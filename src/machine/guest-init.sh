#!/bin/busybox sh
# First program in the machine: loads the modules, puts the host's file tree (read-only)
# under a layer in memory, and hands over to guest-main.sh in it.
# Guarantee: nothing here is able to write to the host; QEMU itself exports the tree read-only.
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs dev /dev
while read -r module; do $bb insmod "/modules/$module.ko"; done </modules/order

$bb mount -t 9p -o trans=virtio,version=9p2000.L,msize=512000,cache=loose,ro csn-host /host
$bb mount -t tmpfs -o mode=0755 upper /upper
$bb mkdir /upper/upper /upper/work
$bb mount -t overlay -o lowerdir=/host,upperdir=/upper/upper,workdir=/upper/work root /new

# The host's own kernel file systems and volatile folders come through 9p too: cover them all.
# What we need from under them (a checkout in /tmp) is held aside meanwhile.
. /csn-boot
hold() {
  case $1 in
  /tmp/* | /run/* | /dev/shm/*)
    $bb mkdir -p "/keep/$2"
    $bb mount --bind "/new$1" "/keep/$2"
    ;;
  esac
}
show() {
  [ -d "/keep/$2" ] || return
  $bb mkdir -p "/new$1"
  $bb mount --move "/keep/$2" "/new$1"
}
hold "$CSN_BOOT_ROOT" root
hold "$CSN_BOOT_MODULES" modules
$bb mount --move /dev /new/dev
$bb mkdir -p /new/dev/pts /new/dev/shm
$bb mount -t devpts -o mode=0620,gid=5,ptmxmode=0666 devpts /new/dev/pts
$bb mount -t tmpfs -o mode=1777,nosuid,nodev shm /new/dev/shm
$bb mount -t tmpfs -o mode=0755,nosuid,nodev run /new/run
$bb mount -t tmpfs -o mode=1777,nosuid,nodev tmp /new/tmp
show "$CSN_BOOT_ROOT" root
show "$CSN_BOOT_MODULES" modules
# Labelled data on our disk must not be readable once more, unlabelled, as the host's disk.img.
if [ -d "/new$CSN_BOOT_HIDDEN" ]; then
  $bb mount -t tmpfs -o ro,mode=0000,size=4k hidden "/new$CSN_BOOT_HIDDEN"
fi
$bb mount --move /proc /new/proc
$bb mount --move /sys /new/sys

$bb mkdir -p /new/run/csn
$bb cp /bin/busybox /guest-main.sh /csn-boot /new/run/csn/
exec $bb switch_root /new /run/csn/busybox sh /run/csn/guest-main.sh
