# Waits a while for the switch to end. Writes nothing. Argument: SECONDS. Prints the state, then how the server ended and
# what it said.
home=/var/lib/tandem/restart
end=$(($(date +%s) + $1))
while :; do
  works=yes
  if command -v flock >/dev/null 2>&1 && flock -n "$home/lock" true; then
    # Before it has taken its lock the unit is there.
    systemctl is-active -q tandem-restart.service || works=
  fi
  state=$(cat "$home/state" 2>/dev/null)
  case $state in restarting) [ -n "$works" ] || state=lost ;; esac
  [ "$state" = restarting ] || [ "$state" = written ] || break
  [ "$(date +%s)" -lt "$end" ] || break
  sleep 0.2
done
printf 'state %s\n' "$state"
cat "$home/ended" 2>/dev/null
echo
cat "$home/said" 2>/dev/null
