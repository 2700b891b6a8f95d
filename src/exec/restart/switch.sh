# The host's own switch for a restart: waits until the server is up, and puts back what was there before if it does not
# come up. It runs on the host by itself, whatever happens to the controller. Arguments: restart, start or boot; `locked`
# if the lock was inherited.
# All that it needs lies in /var/lib/tandem/restart, which only root can enter. A state is noted by a rename, which a
# full disk does not stop.
set -u
umask 077
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin; export PATH
mode=$1
home=/var/lib/tandem/restart
cd "$home" || exit 1
if [ "${2-}" != locked ] && command -v flock >/dev/null 2>&1; then exec 8>>lock; flock -w 7200 8 || exit 1; fi
field() { sed -n "s/^$2 //p" "$1" 2>/dev/null | head -n 1; }
unit=$(field server unit) socket=$(field server socket) log=$(field server log) limit=$(field server limit)
datadir=$(field server new-uuid) ping=$(field server ping)
property() { systemctl show -p "$1" -- "$unit" 2>/dev/null | sed -n 's/^[^=]*=//p'; }
now() { date +%s; }
digest() { [ -e "$1" ] || [ -L "$1" ] || { echo absent; return; }; sha256sum <"$1" | cut -d ' ' -f 1; }
state() { mv -f "state.$1" state; sync state 2>/dev/null; }
disarm() {
  rm -f /etc/systemd/system/multi-user.target.wants/tandem-restart-check.service \
    /etc/systemd/system/tandem-restart-check.service
}
offset=0
[ "$mode" = boot ] || [ -z "$log" ] || [ ! -r "$log" ] || offset=$(wc -c <"$log")

# Whether the server lets root in by its socket.
lets_in() { [ -n "$socket" ] && [ -n "$ping" ] && timeout 10 "$ping" --no-defaults --user=root --socket="$socket" status >/dev/null 2>&1; }
# Whether the server answers. `ping` succeeds too where the login is refused.
answers() {
  [ -z "$socket" ] && return 0
  if [ -n "$ping" ]; then timeout 10 "$ping" --no-defaults --socket="$socket" ping >/dev/null 2>&1; return; fi
  # Listening is what the kernel can tell.
  while read -r _ _ _ flags _ _ _ path; do
    [ "$flags" != 00010000 ] || [ "$path" != "$socket" ] || return 0
  done </proc/net/unix
  return 1
}

# Whether the same process has answered for a while. One that dies behind its word that it is ready, or that lets root in no
# more, has not come up. Needs what `seen` holds.
stays() {
  pid=${seen##*MainPID=} pid=${pid%%[!0-9]*}
  if [ "$pid" != "$answered" ]; then
    id=${seen##*InvocationID=} id=${id%%[!0-9a-f]*}
    answered=$pid times=0 patience=$(($(now) + 20))
  fi
  times=$((times + 1))
  [ "$times" -gt 5 ] || return 1
  [ -n "$enters" ] || return 0
  if lets_in; then return 0; fi
  [ "$(now)" -lt "$patience" ] || { shut=yes end=0; }
  return 1
}

# Waits for a server that is being started. Argument: the process of systemctl, or nothing. Succeeds when it is up.
wait_up() {
  job=$1 end=$(($(now) + limit)) answered=none id=
  while :; do
    seen=$(systemctl show -p ActiveState,SubState,NRestarts,MainPID,InvocationID -- "$unit" 2>/dev/null)
    if [ -n "$job" ] && kill -0 "$job" 2>/dev/null; then
      # The limit is for coming up: a server with much memory to write back may take its time to stop.
      case $seen in *ActiveState=active* | *ActiveState=deactivating*) end=$(($(now) + limit)) ;; esac
    else
      if [ -n "$job" ]; then wait "$job" || return 1; job=; fi
      again=${seen##*NRestarts=} again=${again%%[!0-9]*}
      [ "${again:-0}" -le "$due" ] || return 1
      case $seen in
        *ActiveState=failed* | *ActiveState=inactive*) return 1 ;;
        *SubState=auto-restart*) [ "${again:-0}" -lt "$due" ] || return 1 ;;
      esac
      case $seen in *ActiveState=active*) if answers && stays; then return 0; fi ;; esac
    fi
    if [ "$(now)" -ge "$end" ]; then
      [ -n "$shut" ] || late=yes
      [ -z "$job" ] || kill "$job" 2>/dev/null
      return 1
    fi
    sleep 0.2
  done
}

# The server's last words and how it ended, before another start covers them.
gather() {
  {
    systemctl show -p Result,ExecMainCode,ExecMainStatus -- "$unit"
    [ -z "$late" ] || echo Late=yes
    [ -z "$shut" ] || echo Shut=yes
  } >ended 2>/dev/null
  # systemd may have begun another start by now.
  [ -n "$id" ] || id=$(property InvocationID)
  {
    [ -z "$log" ] || [ ! -r "$log" ] || tail -c "+$((offset + 1))" "$log" | tail -n 400
    if [ -n "$id" ]; then journalctl -q -o cat -n 400 "_SYSTEMD_INVOCATION_ID=$id"; else journalctl -q -o cat -n 100 -u "$unit"; fi
  } 2>/dev/null | tail -c 60000 >said 2>/dev/null
  # One that hangs in its start does not hear that it shall stop.
  [ -n "$late" ] || return 0
  systemctl stop --no-block -- "$unit" 2>/dev/null
  end=$(($(now) + 60))
  while [ "$(now)" -lt "$end" ]; do
    case $(property ActiveState) in inactive | failed) return 0 ;; esac
    sleep 0.5
  done
  systemctl kill -s KILL -- "$unit" 2>/dev/null
}

# Puts the old option file in its place and compares it. Fails with the state to note.
file_back() {
  path=$(field file path) old=$(field file old) new=$(field file new)
  [ -n "$path" ] || return 0
  [ "$(digest "$path")" != "$old" ] || return 0
  # What somebody else has written meanwhile is not ours to replace.
  [ "$(digest "$path")" = "$new" ] || { state changed; return 1; }
  cp "$path" failed.new 2>/dev/null && mv -f failed.new failed
  if [ "$old" = absent ]; then
    rm -f "$path"
  else
    for attempt in 1 2; do
      other=$(mktemp "$path.XXXXXX") && cp -p before "$other" && sync "$other" && [ "$(digest "$other")" = "$old" ] &&
        mv -f "$other" "$path" && break
      rm -f "$other"
      # The directory may be full: what did not work makes room for what did.
      rm -f "$path"
    done
  fi
  sync "${path%/*}" 2>/dev/null
  [ "$(digest "$path")" = "$old" ] || { state stuck; return 1; }
}

# Restarts the server as `what` says, and sees it come up.
attempt() {
  systemctl reset-failed -- "$unit" 2>/dev/null
  # One that systemd is about to start again after a crash counts that as a restart.
  case $(property SubState) in auto-restart*) due=1 ;; *) due=0 ;; esac
  how=$1
  # A process that is starting has read the file of before.
  [ ! -e file ] || case $(property ActiveState) in activating) how=restart due=1 ;; esac
  # One that is about to end, as behind a clone, is started again by systemd itself.
  [ "$how" != start ] || case $(property ActiveState) in active | deactivating) answers || due=1 ;; esac
  systemctl "$how" -- "$unit" >/dev/null 2>&1 8>&- &
  wait_up $!
}

late= shut= due=0 enters=
# Who was let in before is let in afterwards.
[ "$mode" != restart ] || ! lets_in || enters=yes
case $mode in
  boot)
    case $(cat state 2>/dev/null) in written | restarting) ;; *) disarm; exit 0 ;; esac
    # A server that does not start at boot has not tried the new file.
    case $(property ActiveState) in inactive) exit 0 ;; esac
    wait_up '' ;;
  *)
    # What was written under the shared id proves nothing, also when nobody shares it any more.
    if [ -n "$datadir" ] && [ -e "$datadir/auto.cnf" ]; then
      shared=/var/lib/tandem/shared-uuids
      sed -n 's/^[[:space:]]*server[-_]uuid[[:space:]]*=[[:space:]]*//p' "$datadir/auto.cnf" >>"$shared" && sync "$shared" &&
        mv -f "$datadir/auto.cnf" "$datadir/auto.cnf.before"
    fi
    attempt "$mode" ;;
esac
if [ $? -eq 0 ]; then
  state up
  rm -f file before failed said ended
  disarm
  exit 0
fi
gather
if [ -n "$datadir" ] && [ -e "$datadir/auto.cnf.before" ]; then mv -f "$datadir/auto.cnf.before" "$datadir/auto.cnf"; fi
if [ -z "$datadir" ] && [ ! -e file ]; then state down; disarm; exit 0; fi
file_back || { disarm; exit 0; }
late= shut=
if attempt restart; then state back; else state down; fi
disarm
exit 0
