# A client that writes over TCP, goes to the next server when one refuses it, and notes every row that was acknowledged.
# PATIENCE is how many seconds an answer may take, PACE how many lie between two rows. Arguments: NAME USER ADDRESS... Ends when /tmp/NAME.stop is there. Notes in /tmp/NAME.acked: row, server, microseconds.
trap '' PIPE
name=$1 user=$2; shift 2
servers=("$@") at=0 n=0
client=$(command -v mariadb || command -v mysql)
rm -f "/tmp/$name".*
touch "/tmp/$name.acked"
# The server waits, since `read -t` of a short time may leave bash with signals blocked.
pace=${PACE:+do sleep($PACE);}
while [ ! -e "/tmp/$name.stop" ]; do
  server=${servers[at]}
  coproc C { exec "$client" -h "$server" -u "$user" -papp --connect-timeout=1 -N -B -n hello 2>>"/tmp/$name.errors"; }
  pid=$C_PID
  exec {to}>&"${C[1]}" {from}<&"${C[0]}"
  while [ ! -e "/tmp/$name.stop" ]; do
    n=$((n + 1))
    echo "insert into w (n, who, at) values ($n, '$name', '$server'); select $n; $pace" 2>/dev/null >&"$to" || break
    read -r -t "${PATIENCE:-90}" got <&"$from" || break
    [ "$got" = "$n" ] && echo "$n $server ${EPOCHREALTIME/[.,]/}" >>"/tmp/$name.acked"
  done
  exec {to}>&- {from}<&-
  kill -KILL "$pid" 2>/dev/null
  wait "$pid" 2>/dev/null
  [ -z "${PACE:-}" ] || sleep "$PACE"
  at=$(((at + 1) % ${#servers[@]}))
done
touch "/tmp/$name.ended"
