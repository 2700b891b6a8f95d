# Starts the host's own switch, which restarts or starts the server. Arguments: MODE UNIT SOCKET LOG LIMIT NEW-UUID ENABLE
# SWITCH.
set -u
umask 077
enter "$5"
if [ "$7" = yes ]; then systemctl enable -q -- "$2" || exit 1; fi
arm "$2" "$3" "$4" "$5" "$6" "$8"
rm -f said ended
at "$home" state restarting
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  systemctl reset-failed tandem-restart.service 2>/dev/null
  systemd-run --quiet --unit=tandem-restart /bin/sh "$home/switch.sh" "$1" && exit 0
fi
command -v setsid >/dev/null 2>&1 || { echo "neither systemd-run nor setsid is there" >&2; exit 1; }
# It goes on with the lock that this script holds: whoever looks meanwhile sees that it works.
setsid sh "$home/switch.sh" "$1" locked </dev/null >/dev/null 2>&1 &
