# Reads one host. Writes nothing. Arguments: NONCE SERVICE SOCKET OWNED_FILE PORT
# Everything is printed in sections; a section begins with a line `@@NONCE name` and ends where the
# next one begins. Empty arguments mean "find out".
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
nonce=$1 wished_service=$2 wished_socket=$3 owned_file=$4 server_port=$5
# A process for each file that is not there would add up over many hosts.
show() { [ ! -r "$1" ] || cat "$1"; }
section() { printf '\n@@%s %s\n' "$nonce" "$*"; }

section os
cat /etc/os-release 2>/dev/null
section host
read -r name </proc/sys/kernel/hostname
printf 'hostname=%s\nuid=%s\nclock=%s\n' "$name" "$(id -u)" "$(date +%s.%N)"
if [ -d /run/systemd/system ]; then echo init=systemd; fi
section addresses
hostname -I 2>/dev/null || ip -o addr 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'
section tools
for tool in mariadb mysql mariadb-dump mysqldump mariadbd mysqld mariadb-binlog mysqlbinlog mariadb-backup mariabackup mbstream zstd gzip perl python3 socat systemd-run flock \
  apt-get dnf; do
  command -v "$tool" 2>/dev/null
done

section service
properties=Id,LoadState,ActiveState,SubState,UnitFileState,MainPID,Result,User,ActiveEnterTimestampMonotonic
if [ -n "$wished_service" ]; then
  services=$(systemctl show -p "$properties" -- "$wished_service" 2>&1)
else
  services=$(systemctl show -p "$properties" -- mariadb.service mysql.service mysqld.service 2>&1)
fi
printf '%s\n' "$services"

# One awk walks the option files, so that twenty files do not cost forty processes. It prints the
# files in the order in which the server reads them, and what they say of the data directory.
walk='
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
function read(path, depth,   line, list, n, i, names, ls) {
  if (depth > 10) return
  if ((getline line < path) < 0) return
  print "F " path
  do {
    line = trim(line)
    if (line ~ /^!includedir[ \t]/) {
      sub(/^!includedir[ \t]+/, "", line); sub(/\/+$/, "", line)
      print "D " line
      n = 0
      # In a variable: what a concatenation before a pipe means differs between versions of awk.
      ls = "ls -1 \"" quote(line) "\" 2>/dev/null"
      while ((ls | getline list) > 0) names[++n] = list
      close(ls)
      for (i = 1; i <= n; i++) if (names[i] ~ /\.cnf$/) read(line "/" names[i], depth + 1)
    } else if (line ~ /^!include[ \t]/) {
      sub(/^!include[ \t]+/, "", line); read(line, depth + 1)
    } else if (line ~ /^datadir[ \t]*=/) {
      sub(/^datadir[ \t]*=/, "", line); print "V " trim(line)
    }
  } while ((getline line < path) > 0)
  close(path)
}
function quote(s) { gsub(/[\\"$`]/, "\\\\&", s); return s }
BEGIN { for (i = 1; i < ARGC; i++) read(ARGV[i], 0) }
'
roots="/etc/my.cnf /etc/mysql/my.cnf /usr/etc/my.cnf"
pid=$(pidof mariadbd mysqld 2>/dev/null); pid=${pid%% *}
if [ -n "$pid" ]; then
  while IFS= read -r argument; do
    case $argument in
      --defaults-file=*) roots=${argument#*=} ;;
      --defaults-extra-file=*) roots="$roots ${argument#*=}" ;;
      --datadir=*) datadir=${argument#*=} ;;
    esac
  done <<END
$(tr '\0' '\n' <"/proc/$pid/cmdline" 2>/dev/null)
END
fi
section option-tree
walked=$(awk "$walk" $roots 2>/dev/null)
printf 'pid %s\n%s\n' "$pid" "$walked"
old_ifs=$IFS
IFS='
'
set -f
set --
for line in $walked; do
  case $line in
    'F '*) set -- "$@" "${line#F }" ;;
    'V '*) [ -n "${datadir:-}" ] || datadir=${line#V } ;;
  esac
done
if [ -n "$owned_file" ]; then set -- "$@" "$owned_file"; fi
set +f
IFS=$old_ifs
datadir=${datadir:-/var/lib/mysql}
section option-sizes
[ $# -eq 0 ] || wc -c "$@" 2>/dev/null
section option-bytes
[ $# -eq 0 ] || cat "$@" 2>/dev/null

section disk
printf 'datadir=%s\n' "$datadir"
stat -f -c 'type=%T' "$datadir" 2>/dev/null
at=${datadir%/}
[ ! -L "$at" ] || echo link=yes
printf 'devices='
stat --printf '%d ' "$at" "${at%/*}/" 2>/dev/null
echo
df -Pk "$datadir" 2>&1
section channel-passwords
for info in "$datadir"/master*.info; do
  [ -r "$info" ] || continue
  # The sixth line is the password; only its digest leaves the host.
  printf '%s %s\n' "$(sed -n 6p "$info" | tr -d '\n' | sha256sum)" "${info##*/}"
done
section tls-ca
show /etc/mysql/tandem/ca.pem
section tls-certificate
show /etc/mysql/tandem/server-cert.pem
section tls-key
[ ! -e /etc/mysql/tandem/server-key.pem ] || stat -c '%U %G %a' /etc/mysql/tandem/server-key.pem
section seed
show /var/lib/tandem/seed.json
section retention
show /var/lib/tandem/retention.json
section lock
show /run/lock/tandem.json
section sockets
for socket in $wished_socket /run/mysqld/mysqld.sock /var/lib/mysql/mysql.sock /tmp/mysql.sock; do
  [ -S "$socket" ] && echo "$socket"
done
# A server that fails and is started again and again has a process now and then.
case $services in
  *ActiveState=active*) down=$([ -n "$pid" ] || echo down) ;;
  *) down=down ;;
esac
if [ -n "$down" ]; then
  # Its last words: from the usual error logs, then from its journal, where those stand that it says before it
  # has opened a log.
  section error-log
  for log in /var/log/mysql/error.log /var/log/mariadb/mariadb.log /var/log/mysqld.log "$datadir"/*.err; do
    [ -r "$log" ] && tail -n 60 "$log"
  done
  journalctl -q -n 60 -o cat ${wished_service:+-u "$wished_service"} ${wished_service:--u mariadb -u mysql -u mysqld} 2>/dev/null
  section datadir-owner
  stat -c '%U' "$datadir" 2>/dev/null
fi
# Here the firewall's own part of the script follows, then the end.
