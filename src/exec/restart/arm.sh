# Part of scripts that write: makes the host ready to put back what was there before. Needs `at` and `write`.
home=/var/lib/tandem/restart
enter() {
  at /var/lib private_dir /var/lib/tandem
  at /var/lib/tandem private_dir "$home"
  cd "$home" || exit 1
  # What another run has begun here comes to its end first.
  if command -v flock >/dev/null 2>&1; then
    at "$home" touch lock
    exec 8>>lock
    flock -w "$1" 8 || { echo "$home: another restart of the server is under way" >&2; exit 8; }
  fi
}
states() { for name in written restarting up back down changed stuck; do write "state.$name" "$name" || return 1; done; }
state() { mv -f "state.$1" state && sync state; }
# Arguments: UNIT SOCKET LOG LIMIT NEW-UUID SWITCH.
arm() {
  program=$(command -v mariadb-admin || command -v mysqladmin)
  at "$home" write server "unit $1
socket $2
log $3
limit $4
new-uuid $5
ping $program"
  at "$home" write switch.sh "$6"
  at "$home" states
}
# What runs at a boot before the server was seen to come up. It needs no word to systemd, which reads it then.
arm_boot() {
  [ -d /run/systemd/system ] || return 0
  units=/etc/systemd/system
  at "$units" write "$units/tandem-restart-check.service" "[Unit]
Description=Takes back the last change of the database server's option file if it does not start with it
After=$1

[Service]
ExecStart=/bin/sh $home/switch.sh boot"
  at "$units" chmod 644 "$units/tandem-restart-check.service"
  at "$units" mkdir -p "$units/multi-user.target.wants"
  at "$units" ln -sf ../tandem-restart-check.service "$units/multi-user.target.wants/tandem-restart-check.service"
}
disarm() {
  rm -f /etc/systemd/system/multi-user.target.wants/tandem-restart-check.service \
    /etc/systemd/system/tandem-restart-check.service /etc/systemd/system/tandem-restart-check.service.new
}
