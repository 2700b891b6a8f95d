# Sourced by the benches: hosts of the lab, times, and memory. Argument: the release binary.
set -euo pipefail

TANDEM=$(readlink -f "${1:?usage: $0 PATH-TO-TANDEM}")
HERE=$(dirname "$(readlink -f "$0")")
LAB=$HERE/../lab/lab
REPORT=$HERE/../../docs/performance.md
DIR=$(mktemp -d /tmp/tandem-bench-XXXXXX)
VENV=${TANDEM_LAB_CACHE:-/var/cache/tandem-lab}/ansible
ROUNDS=${ROUNDS:-15}
export REPLICATION_PASSWORD='a fair "password"' HOME=$DIR XDG_STATE_HOME=$DIR/state

down() { [ -z "${LAB_PID:-}" ] || { exec 7>&-; wait "$LAB_PID" 2>/dev/null || true; LAB_PID=; }; }
trap 'down; rm -rf "$DIR"' EXIT
trap 'exit 130' INT TERM

boot() { # HOST...
  down
  cd "$DIR"
  rm -rf "$DIR/lab"; mkdir -p "$DIR/lab/group_vars"; mkfifo "$DIR/lab/hold" "$DIR/lab/ready"
  "$LAB" up "$DIR/lab" "$@" <"$DIR/lab/hold" >"$DIR/lab/ready" &
  LAB_PID=$!
  exec 7>"$DIR/lab/hold"
  read -r ready <"$DIR/lab/ready"; [ "$ready" = ready ]
  printf 'replication_password: {env: REPLICATION_PASSWORD}\nreplication_tls: "off"\n' >"$DIR/lab/group_vars/db.yml"
  cd "$DIR/lab"
}
inside() { "$LAB" in "$DIR/lab" "$@"; }
milliseconds() { local a b; a=$(date +%s%N); "$@" >/dev/null 2>"$DIR/said" || true; b=$(date +%s%N); echo $(((b - a) / 1000000)); }
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
ratio() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.2f", a / b }'; }

# Runs a command in the lab, and prints its largest memory in KiB; nothing where it failed. What it said is in $DIR/said.
peak() {
  printf '%q ' "$@" >"$DIR/watched"
  cat >"$DIR/watch" <<END
$(cat "$DIR/watched") >"$DIR/said" 2>&1 &
pid=\$! most=0
while kill -0 \$pid 2>/dev/null; do
  now=\$(awk '/VmHWM/ { print \$2 }' /proc/\$pid/status 2>/dev/null); [ "\${now:-0}" -gt "\$most" ] && most=\$now
  sleep 0.05
done
wait \$pid && echo "\$most"
END
  inside bash "$DIR/watch"
}
