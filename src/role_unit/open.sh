# Opens the server of this host to writes after a start, if this host is the recorded writer and no other host of its
# topology accepts writes. Written by tandem; `tandem apply` replaces it.
# Arguments: decide | check. `check` prints a line for each other host, changes nothing, and ends with 3 where one of them
# is open or does not say.
set -u
LC_ALL=C; export LC_ALL
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; export PATH
here=${0%/*}
# Where it is not on PATH, it lies beside the server.
beside=mysql
client=$(command -v mariadb || command -v mysql || command -v "$beside") || { echo 'no client program: neither mariadb nor mysql is installed' >&2; exit 1; }
# An administrator's own logins and settings of the client are none of this one's.
MYSQL_TEST_LOGIN_FILE=/var/lib/tandem/role/none; export MYSQL_TEST_LOGIN_FILE
unset MYSQL_PWD MYSQL_HOST MYSQL_TCP_PORT MYSQL_UNIX_PORT
umask 077
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
trap 'exit 1' HUP INT TERM

# ask FILE ARGUMENTS...: prints open, closed, silent (nothing answers at the port), or unknown with the client's words.
ask() {
  file=$1; shift
  said=$(timeout -k 1 6 "$client" --defaults-file="$file" --connect-timeout=2 -N -B -e 'SELECT @@global.read_only' "$@" 2>&1 </dev/null)
  status=$?
  if [ $status = 0 ]; then
    # Warnings come before what was asked for.
    case "
$said" in *'
0') echo open; return ;; *'
1') echo closed; return ;; esac
  fi
  [ $status != 124 ] || { echo 'unknown no answer within 6 seconds'; return; }
  # The client's numbers for: no such socket, no connection, no such name. Whatever else goes wrong, somebody is there.
  case $said in *'ERROR 2002 '* | *'ERROR 2003 '* | *'ERROR 2005 '*) echo silent ;; *) echo "unknown $(echo $said)" ;; esac
}

# Asks all others at the same time; what they say lies in $work, a file for each.
ask_all() {
  count=0
  while read -r name address port kind; do
    count=$((count + 1))
    { printf '%s %s ' "$name" "$kind"; ask "$here/peer.cnf" --protocol=tcp -h "$address" -P "$port"; } >"$work/$count" &
  done <"$here/peers"
  wait
}

if [ "$1" = check ]; then
  ask_all
  n=0 end=0
  while [ $n -lt $count ]; do
    n=$((n + 1))
    read -r name kind state words <"$work/$n"
    [ "$kind $state" != 'lost unknown' ] || state=silent words=
    printf '%s\n' "$name $state $words"
    case $state in closed | silent) ;; *) end=3 ;; esac
  done
  # A record by which it can't log in here opens nothing.
  state=$(ask "$here/own.cnf")
  case $state in
    open | closed) ;;
    silent) echo 'itself unknown nothing answers at its socket'; end=3 ;;
    *) echo "itself $state"; end=3 ;;
  esac
  exit $end
fi

# The server answers a while after its unit says so, where that unit can't tell: it may have a crash to recover from.
tries=0
while :; do
  state=$(ask "$here/own.cnf")
  case $state in
    closed) break ;;
    open) echo 'this server accepts writes already'; exit 0 ;;
  esac
  tries=$((tries + 1))
  [ $tries -lt 1800 ] || { echo "the server of this host does not answer: $state" >&2; exit 1; }
  sleep 1
done

# Right after a boot the network may not be there yet, and the others boot, too, where power has come back to all: where nobody
# at all answers, they are asked again, for a minute then and some seconds else. So they are for
# half a minute where one answers without saying: it starts or stops. Who is turned away (1045, 1129, 1130; 3118 and 4151
# of a locked account) is turned away the next time, too.
began=$(date +%s)
patience=8
read -r up rest </proc/uptime && [ "${up%%.*}" -ge 300 ] || patience=60
while :; do
  ask_all
  reason= answered= again= writer=
  n=0
  while [ $n -lt $count ]; do
    n=$((n + 1))
    read -r name kind state words <"$work/$n"
    [ "$kind $state" != 'lost unknown' ] || state=silent
    case $state in
      closed) answered=yes ;;
      silent) ;;
      open) reason="$name accepts writes"; writer=yes; again=; break ;;
      *)
        [ -n "$reason" ] || reason="$name answers, but does not say whether it accepts writes: $words"
        case $words in
          *'ERROR 1045 '* | *'ERROR 1129 '* | *'ERROR 1130 '* | *'ERROR 3118 '* | *'ERROR 4151 '*) ;;
          *) again=yes ;;
        esac ;;
    esac
  done
  if [ -n "$again" ]; then
    [ $(($(date +%s) - began)) -lt 30 ] || break
  else
    [ -z "$reason$answered" ] && [ $count -gt 0 ] && [ $(($(date +%s) - began)) -lt $patience ] || break
  fi
  sleep 1
done
own() { timeout -k 1 60 "$client" --defaults-file="$here/own.cnf" -e "$1" </dev/null; }
if [ -n "$reason" ]; then
  # Events would run on two hosts.
  [ -z "$writer" ] || own 'SET GLOBAL event_scheduler = OFF' 2>/dev/null
  echo "this server stays read-only: $reason. Run tandem apply." >&2
  exit 1
fi
own 'SET GLOBAL read_only = OFF' || exit 1
echo 'this server accepts writes now: it is the recorded writer, and no other host accepts any'
