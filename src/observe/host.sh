# Reads one host. Writes nothing. Arguments: NONCE SERVICE SOCKET OWNED_FILE PORT
# Everything is printed in sections; a section begins with a line `@@NONCE name` and ends where the
# next one begins. Empty arguments mean "find out".
# A process costs more than anything else here, and this runs on many hosts at once: what the shell can read
# itself it reads itself.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
nonce=$1 wished_service=$2 wished_socket=$3 owned_file=$4 server_port=$5
# Of regular files only: to open a pipe that somebody has put there would wait for ever.
show() { [ ! -f "$1" ] || [ ! -r "$1" ] || cat "$1"; }
section() { printf '\n@@%s %s\n' "$nonce" "$*"; }

section os
if [ -r /etc/os-release ]; then
  while read -r line || [ -n "$line" ]; do printf '%s\n' "$line"; done </etc/os-release
fi
section host
read -r name </proc/sys/kernel/hostname
# Real, effective, ...
while read -r key _ uid _; do [ "$key" != Uid: ] || break; done </proc/self/status
date +clock=%s.%N
printf 'hostname=%s\nuid=%s\n' "$name" "$uid"
if [ -d /run/systemd/system ]; then echo init=systemd; fi
section addresses
hostname -I 2>/dev/null || ip -o addr 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'
section tools
for tool in mariadb mysql mariadb-dump mysqldump mariadbd mysqld mariadb-binlog mysqlbinlog mariadb-backup mariabackup mbstream zstd gzip perl python3 socat systemd-run flock \
  apt-get dnf; do
  command -v "$tool" 2>/dev/null
done

section service
set -- $(pidof mariadbd mysqld 2>/dev/null)
# Of several, one that looks at options, or opens files that were copied, is not the server.
while [ $# -gt 1 ] &&
  tr '\0' ' ' <"/proc/$1/cmdline" 2>/dev/null | grep -q -e --bootstrap -e --validate-config -e --help; do shift; done
pid=${1:-}
units=${wished_service:-mariadb.service mysql.service mysqld.service}
# Its control group says which one it is, and the others need not be asked; unless it is a container's.
running=
if [ -n "$pid" ] && [ -r "/proc/$pid/cgroup" ]; then
  while read -r line; do
    for unit in $units; do
      case $line in *"/system.slice/$unit") running=$unit; break 2 ;; esac
    done
  done <"/proc/$pid/cgroup"
fi
units_are() { services=$(systemctl show -p Id,LoadState,ActiveState,UnitFileState,MainPID,Result,User -- "$@" 2>&1); }
units_are ${running:-$units}
case "$services
" in *"MainPID=$pid
"*) ;; *) [ -z "$running" ] || units_are $units ;; esac
printf '%s\n' "$services"

# One awk walks the option files, so that twenty files do not cost forty processes. It prints the
# files in the order in which the server reads them, and what they say of the data directory. First come the
# arguments of the running server on its standard input. Directories at the usual places were listed by the shell.
walk='
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
function read(path, depth,   line, list, n, i, names, ls, above) {
  if (depth > 10) return
  if ((getline line < path) < 0) return
  print "F " path
  above = own; own = 0
  do {
    line = trim(line)
    if (line ~ /^!includedir[ \t]/) {
      sub(/^!includedir[ \t]+/, "", line); sub(/\/+$/, "", line)
      print "D " line
      n = 0
      if (line in listed) {
        n = split(listed[line], names, "\n")
      } else {
        # In a variable: what a concatenation before a pipe means differs between versions of awk.
        ls = "ls -1 \"" quote(line) "\" 2>/dev/null"
        while ((ls | getline list) > 0) names[++n] = list
        close(ls)
      }
      for (i = 1; i <= n; i++) if (names[i] ~ /\.cnf$/) read(line "/" names[i], depth + 1)
    } else if (line ~ /^!include[ \t]/) {
      sub(/^!include[ \t]+/, "", line); read(line, depth + 1)
    } else if (line ~ /^\[/) {
      # The groups of option_file, and one whose options clients read too; not that of another instance, such as
      # [mysqld@two].
      group = line; sub(/^\[[ \t]*/, "", group); sub(/[ \t]*\].*/, "", group)
      if (suffix != "" && length(group) > length(suffix) &&
        substr(group, length(group) - length(suffix) + 1) == suffix)
        group = substr(group, 1, length(group) - length(suffix))
      own = group ~ /^(server|client-server|(mysqld|mariadb|mariadbd|galera)(-[0-9.]+)?)$/
    } else if (own && line ~ /^datadir[ \t]*=/) {
      sub(/^datadir[ \t]*=/, "", line); print "V " trim(line)
    } else if (own && line ~ /^log[-_]error[ \t]*=/) {
      sub(/^log[-_]error[ \t]*=/, "", line); print "L " trim(line)
    }
  } while ((getline line < path) > 0)
  close(path)
  own = above
}
function quote(s) { gsub(/[\\"$`]/, "\\\\&", s); return s }
BEGIN {
  n = split(ENVIRON["listing"], lines, "\n")
  for (i = 1; i <= n; i++) {
    if (lines[i] ~ /\/$/) { directory = substr(lines[i], 1, length(lines[i]) - 1); listed[directory] = "" }
    else listed[directory] = listed[directory] substr(lines[i], length(directory) + 2) "\n"
  }
  while ((getline argument < "/dev/stdin") > 0) {
    value = argument; sub(/^[^=]*=/, "", value)
    if (argument ~ /^--defaults-file=/) only = value
    else if (argument ~ /^--defaults-extra-file=/) extra = value
    else if (argument ~ /^--defaults-group-suffix=/) suffix = value
    else if (argument ~ /^--datadir=/) print "A " value
  }
  if (only != "") read(only, 0)
  else {
    read("/etc/my.cnf", 0); read("/etc/mysql/my.cnf", 0); read("/usr/etc/my.cnf", 0)
    if (extra != "") read(extra, 0)
  }
}
'
newline='
'
listing=
for directory in /etc/my.cnf.d/ /etc/mysql/*/; do
  [ -d "$directory" ] || continue
  listing=$listing$directory$newline
  for file in "$directory"*.cnf; do [ ! -e "$file" ] || listing=$listing$file$newline; done
done
export listing
arguments=/dev/null
[ -z "$pid" ] || [ ! -r "/proc/$pid/cmdline" ] || arguments=/proc/$pid/cmdline
section option-tree
walked=$(tr '\0' '\n' <"$arguments" | awk "$walk" 2>/dev/null)
printf 'pid %s\n%s\n' "$pid" "$walked"
old_ifs=$IFS
IFS=$newline
set -f
set --
given= datadir=
for line in $walked; do
  case $line in
    'F '*) set -- "$@" "${line#F }" ;;
    'A '*) given=${line#A } ;;
    'V '*) datadir=${line#V } ;;
  esac
done
if [ -n "$owned_file" ]; then set -- "$@" "$owned_file"; fi
set +f
IFS=$old_ifs
# What the server was started with wins, then what is written last.
datadir=${given:-${datadir:-/var/lib/mysql}}
section option-sizes
[ $# -eq 0 ] || wc -c "$@" 2>/dev/null
section option-bytes
[ $# -eq 0 ] || cat "$@" 2>/dev/null

section disk
printf 'datadir=%s\n' "$datadir"
# Where stat knows no file systems, df tells at least the space.
stat -f -c 'type=%T
space=%S %b %a' "$datadir" 2>/dev/null || df -Pk "$datadir" 2>&1
at=${datadir%/}
[ ! -L "$at" ] || echo link=yes
printf 'devices='
stat --printf '%d ' "$at" "${at%/*}/" 2>/dev/null
echo
section channel-passwords
for info in "$datadir"/master*.info; do
  [ -r "$info" ] || continue
  # The sixth line is the password; only its digest leaves the host.
  password=
  { read -r _; read -r _; read -r _; read -r _; read -r _; IFS= read -r password; } <"$info"
  printf '%s %s\n' "$(printf %s "$password" | sha256sum)" "${info##*/}"
done
section tls-ca
show /etc/mysql/tandem/ca.pem
section tls-certificate
show /etc/mysql/tandem/server-cert.pem
section tls-key
[ ! -e /etc/mysql/tandem/server-key.pem ] || stat -c '%U %G %a' /etc/mysql/tandem/server-key.pem
section tls-public
# The public part of the key, to see whether it belongs to the certificate; of the key itself nothing leaves the host.
if [ -r /etc/mysql/tandem/server-key.pem ]; then
  if command -v openssl >/dev/null 2>&1; then
    openssl pkey -in /etc/mysql/tandem/server-key.pem -passin pass: -pubout -outform DER 2>/dev/null </dev/null | sha256sum |
      sed 's/ .*//;s/^/info /'
  else
    # A key as tandem makes it ends with its public point.
    point=$(sed '/-----/d' /etc/mysql/tandem/server-key.pem | tr -d '\r\n' | base64 -d 2>/dev/null | tail -c 70 | od -An -v -tx1 | tr -d ' \n')
    case $point in a14403420004*) echo "point ${point#a14403420004}" ;; esac
    point=
  fi
fi
section seed
show /var/lib/tandem/seed.json
section retention
show /var/lib/tandem/retention.json
section lock
show /run/tandem/lock.json
section sockets
for socket in $wished_socket /run/mysqld/mysqld.sock /var/lib/mysql/mysql.sock /tmp/mysql.sock; do
  [ -S "$socket" ] && echo "$socket"
done
# A server that fails and is started again and again has a process now and then.
case $services in
  *ActiveState=active*) down=$([ -n "$pid" ] || echo down) ;;
  *) down=down ;;
esac
# Here what is known of a server that is down follows, then the firewall's own part, then the end.
