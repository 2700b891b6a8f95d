# Begins a run on this host and passes on its signs of life. Arguments: RUN INFO LEASE UNDO-LIMIT SSHD WATCH-SCRIPT.
# SSHD is what own_sshd says of the connection over which the steps go.
# Standard input: `beat N` each time the controller shows that it lives, `end` when the run is over.
set -u
umask 077
trap '' HUP INT TERM PIPE
run=$1 info=$2 lease=$3 limit=$4 sshd=$5 watch=$6
dir=/run/tandem/run-$run
said=$(private_dir /run/tandem 2>&1) || { echo "failed $said"; exit 0; }
mkdir -m 700 "$dir" "$dir/undo" || { echo "failed $dir cannot be created"; exit 0; }

{ own_sshd; echo "$sshd"; } >"$dir/sshd"
echo 0 >"$dir/beat"
printf '%s\n' "$info" >"$dir/info"
printf '%s\n' "$watch" >"$dir/watch.sh" || { echo "failed $dir cannot be written"; rm -rf "$dir"; exit 0; }
# It must outlive this connection and whatever ends with it.
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  systemd-run --quiet --collect --unit="tandem-run-$run" /bin/sh "$dir/watch.sh" "$run" "$lease" "$limit" || {
    echo "failed systemd-run cannot start the watch over the run"
    rm -rf "$dir"
    exit 0
  }
else
  setsid nohup /bin/sh "$dir/watch.sh" "$run" "$lease" "$limit" </dev/null >/dev/null 2>&1 &
fi
tries=500
until [ -s "$dir/answer" ]; do
  tries=$((tries - 1))
  [ "$tries" -gt 0 ] || { echo "failed the watch over the run does not start"; rm -rf "$dir"; exit 0; }
  sleep 0.02
done
read -r answer watcher rest <"$dir/answer"
echo "$answer $rest"
[ "$answer" = taken ] || { rm -rf "$dir"; exit 0; }

while read -r word number; do
  [ "$word" != end ] || { : >"$dir/end"; break; }
  # The host may have ended the run already; then nobody must think that it has not.
  [ -d "$dir" ] && kill -0 "$watcher" 2>/dev/null || exit 1
  echo "$number" >"$dir/beat" || exit 1
  echo "$number"
done
: >"$dir/over"
kill -USR1 "$watcher" 2>/dev/null
tries=1000
while [ -d "$dir" ] && [ "$tries" -gt 0 ]; do
  tries=$((tries - 1))
  sleep 0.02
done
echo ended
