# Part of the host script: the host's own switch for restarts, and why a server is down. Writes nothing. Needs $services
# (what systemctl said of the units), $walked (what awk said of the option files), $datadir, $down and $nonce.
section restart
for part in state file ended; do
  [ ! -r /var/lib/tandem/restart/$part ] || sed "s/^/$part /" /var/lib/tandem/restart/$part
done
section restart-before
[ "$(show /var/lib/tandem/restart/state)" != written ] || show /var/lib/tandem/restart/before
section restart-said
show /var/lib/tandem/restart/said
section restart-failed
show /var/lib/tandem/restart/failed
if [ -n "$down" ]; then
  # The unit that would run the server: one that is loaded, else one that is masked.
  unit=$(printf '%s\n' "$services" | awk 'BEGIN { RS = ""; FS = "\n" } {
    id = load = ""
    for (i = 1; i <= NF; i++) {
      if ($i ~ /^Id=/) id = substr($i, 4)
      if ($i ~ /^LoadState=/) load = substr($i, 11)
    }
    if (load == "loaded" && loaded == "") loaded = id
    if (load == "masked" && masked == "") masked = id
  } END { print loaded != "" ? loaded : masked }')
  section unit
  read -r uptime _ </proc/uptime
  printf 'uptime=%s\n' "$uptime"
  state=
  if [ -n "$unit" ]; then
    state=$(systemctl show -p LoadState,SubState,UnitFileState,Result,ExecMainCode,ExecMainStatus,InactiveEnterTimestamp \
      -p InvocationID,NRestarts,ExecStart,ExecMainStartTimestampMonotonic,ConditionResult -- "$unit" 2>/dev/null)
    printf '%s\n' "$state"
    # What systemd itself has to say of it, such as a dependency that failed.
    journalctl -q -o cat -n 8 _PID=1 "UNIT=$unit" 2>/dev/null | sed 's/^/systemd=/'
  fi
  # Its version, by the program that would run. Without option files: those may be why it is down.
  program=$(printf '%s\n' "$state" | sed -n 's/^ExecStart=.*[{ ]path=\([^ ;]*\).*/\1/p' | head -n 1)
  case ${program##*/} in
    mariadbd | mysqld | mysqld-debug) ;;
    *) program=$(command -v mariadbd || command -v mysqld) ;;
  esac
  if [ -x "$program" ] && [ "$(stat -L -c %u "$program" 2>/dev/null)" = 0 ]; then
    printf 'version=%s\n' "$("$program" --no-defaults --version 2>/dev/null | sed -n 's/.* Ver \([^ ]*\).*/\1/p')"
  fi
  section datadir-owner
  stat -c '%U' "$datadir" 2>/dev/null
  # Its last words. First where its option files say that its log is, then the usual places, then its journal, where those
  # stand that it says before it has opened a log.
  named=$(printf '%s\n' "$walked" | sed -n 's/^L //p' | tail -n 1)
  case $named in
    '' | /*) ;;
    *) named=${datadir%/}/$named ;;
  esac
  case $named in '' | *.*) ;; *) [ -e "$named" ] || named=$named.err ;; esac
  number=0
  told=
  for log in "$named" /var/log/mysql/error.log /var/log/mariadb/mariadb.log /var/log/mysqld.log "${datadir%/}"/*.err; do
    [ -n "$log" ] && [ -f "$log" ] && [ -r "$log" ] || continue
    case $told in *"|$log|"*) continue ;; esac
    told="$told|$log|"
    number=$((number + 1))
    section "log $number"
    printf '%s %s\n' "$(stat -L -c %Y "$log")" "$log"
    tail -n 1000 "$log" | tail -c 200000
  done
  number=$((number + 1))
  section "log $number"
  invocation=$(printf '%s\n' "$state" | sed -n 's/^InvocationID=//p')
  printf '0 journal\n'
  if [ -n "$invocation" ]; then
    journalctl -q -o cat -n 1000 "_SYSTEMD_INVOCATION_ID=$invocation" 2>/dev/null | tail -c 200000
  elif [ -n "$unit" ]; then
    journalctl -q -o cat -n 400 -u "$unit" 2>/dev/null | tail -c 200000
  fi
fi
