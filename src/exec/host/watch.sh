# Holds the lock of one run on this host. When the run is over, or its controller has been silent for LEASE seconds,
# ends what the run still does here, takes back what it has changed for its time, and frees the lock.
# Arguments: RUN LEASE UNDO-LIMIT.
set -u
umask 077
PATH=$PATH:/usr/sbin:/usr/bin:/sbin:/bin
# A signal of the holder's wakes it up; a host that shuts down ends the run.
trap '' HUP INT PIPE
trap : USR1
run=$1 lease=$2 limit=$3 dir=/run/tandem/run-$1
trap ': >"$dir/over"' TERM
answer() { printf '%s\n' "$1" >"$dir/answer.new" && mv "$dir/answer.new" "$dir/answer"; }
command -v flock >/dev/null 2>&1 || { answer "failed $$ flock is not installed (package util-linux)"; exit 0; }
exec 9>>/run/tandem/lock || { answer "failed $$ /run/tandem/lock cannot be opened"; exit 0; }
if ! flock -n 9; then
  answer "held $$ $(cat /run/tandem/lock.json 2>/dev/null)"
  exit 0
fi
cp "$dir/info" /run/tandem/lock.json

# Ends the dumps and copies of a run. Their environment names it. Argument: SIGNAL. Fails where there is none.
end_streams() {
  found=1
  for file in $(grep -ls "TANDEM_STREAM=$run\." /proc/[0-9]*/environ 2>/dev/null); do
    file=${file#/proc/}
    kill -s "$1" "${file%/environ}" 2>/dev/null && found=0
  done
  return $found
}
# Ends the connections of the run, and with them the sessions in the server that go through them.
end_connections() {
  while read -r pid began; do
    [ -n "$pid" ] && IFS= read -r stat 2>/dev/null <"/proc/$pid/stat" || continue
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    [ "${20}" != "$began" ] || kill -s KILL "$pid" 2>/dev/null
  done <"$dir/sshd"
}
# Takes back what a run has changed for its time. Arguments: its directory, and how often to try.
undo() {
  for sql in "$1"/undo/*.sql; do
    [ -e "$sql" ] || continue
    name=${sql%.sql}
    { IFS= read -r client; IFS= read -r record; } <"$name.with"
    # A statement of somebody else's may stand in the way for a while.
    tries=$2
    while [ "$tries" -gt 0 ]; do
      tries=$((tries - 1))
      if said=$(timeout -k 1 "$limit" "$client" --defaults-file="$name.cnf" <"$sql" 2>&1 >/dev/null 9>&-); then
        [ -z "$record" ] || rm -f -- "$record"
        echo "taken back by this host: ${name##*/}" >&2
        break
      fi
      echo "not taken back: ${name##*/}: $said" >&2
      sleep 1
    done
  done
}

# What a watch that was killed has left.
for left in /run/tandem/run-*; do
  [ "$left" != "$dir" ] && [ -d "$left" ] && [ -s "$left/answer" ] || continue
  read -r word other rest <"$left/answer"
  [ "$word" = taken ] || continue
  undo "$left" 2
  rm -rf "$left"
done
answer "taken $$"

last=0 silent=0
while [ ! -e "$dir/over" ] && [ "$silent" -lt "$lease" ]; do
  sleep 1 9>&- &
  wait $!
  read -r beat <"$dir/beat"
  if [ "$beat" = "$last" ]; then silent=$((silent + 1)); else silent=0 last=$beat; fi
done
if [ ! -e "$dir/end" ]; then
  if [ -e "$dir/over" ]; then
    echo "the controller is gone; ending its run" >&2
  else
    echo "the controller has been silent for $lease seconds; ending its run" >&2
  fi
  end_connections
  end_streams TERM
  undo "$dir" 30
  sleep 1
  end_streams KILL
else
  # A controller that gave up on a program has not seen it end.
  if end_streams TERM; then
    echo "ended what a failed step has left" >&2
    sleep 1
    end_streams KILL
  fi
  undo "$dir" 30
fi
rm -f /run/tandem/lock.json
rm -rf "$dir"
