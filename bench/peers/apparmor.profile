# The measured program's profile: confined to its own folder.
abi <abi/4.0>,

profile csn-bench /data/bench/apparmor/bench-calls {
  /data/bench/apparmor/ r,
  /data/bench/apparmor/** rwk,
  /data/bench/apparmor/bench-calls mrix,
  /dev/zero r,
  /dev/null rw,

  capability sys_admin,
  capability net_admin,
  network inet,
  network unix,
  unix,
  signal peer=@{profile_name},
  signal receive,
}
