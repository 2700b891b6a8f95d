# Part of scripts that ask the server's own program. `program_of_unit` finds which one the unit $unit runs, and as whom.
# Where it can't be asked, $server is empty and $unasked says why.
program_of_unit() {
  # The program that runs, or that would: nobody else's, and nothing that others can change.
  main=$(systemctl show -p MainPID -- "$unit" 2>/dev/null | sed -n 's/^MainPID=//p')
  server= running= unasked=
  for process in $main $(cat "/proc/$main/task/$main/children" 2>/dev/null); do
    [ "$process" != 0 ] || continue
    program=$(readlink "/proc/$process/exe")
    program=${program% (deleted)}
    case ${program##*/} in mariadbd | mysqld | mysqld-debug) server=$program running=$process; break ;; esac
  done
  if [ -z "$server" ]; then
    program=$(systemctl show -p ExecStart -- "$unit" 2>/dev/null | sed -n 's/.*[{ ]path=\([^ ;]*\).*/\1/p' | head -n 1)
    case ${program##*/} in mariadbd | mysqld | mysqld-debug) server=$program ;; esac
  fi
  if [ ! -x "$server" ] || [ "$(stat -L -c %u "$server")" != 0 ]; then
    unasked="the program of $unit is not known"
    server=
  fi
  # It runs as the server's own user from the first instruction on: in the files the first `user` wins, and they may load
  # plugins. Root starts nothing for what is written there.
  uid=
  while read -r key _ effective _; do [ "$key" != Uid: ] || uid=$effective; done 2>/dev/null <"/proc/${running:-0}/status"
  if [ -z "$uid" ]; then
    user=$(systemctl show -p User -- "$unit" 2>/dev/null | sed -n 's/^User=//p')
    uid=$(id -u "${user:-mysql}" 2>/dev/null)
  fi
  gid=$(id -g "$uid" 2>/dev/null)
  if [ -n "$server" ] && { [ -z "$gid" ] || ! command -v setpriv >/dev/null 2>&1; }; then
    if [ -z "$gid" ]; then unasked="the user of $unit is not known"; else unasked="setpriv is not installed (package util-linux)"; fi
    server=
  fi
}
as_server() { setpriv --reuid="$uid" --regid="$gid" --init-groups -- "$@"; }
# Of what it prints, the lines that say that something is wrong.
faults() {
  sed -n -e 's/\[MY-[0-9]*\] \[[A-Za-z]*\] //' -e '/\[ERROR\] Aborting/d' -e 's/^.*\[ERROR\] //p' \
    -e "s/^.*\[Warning\] \(option '.*\)/\1/p" -e 's/^.*unknown \(variable\|option\)/unknown \1/p' | sort -u
}
