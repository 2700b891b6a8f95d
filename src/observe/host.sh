# Reads one host. Writes nothing. Arguments: NONCE SERVICE SOCKET OWNED_FILE PORT GROUPS
# Everything is printed in sections; a section begins with a line `@@NONCE name` and ends where the
# next one begins. Empty arguments mean "find out".
# A process costs more than anything else here, and this runs on many hosts at once: what the shell can read
# itself it reads itself.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
nonce=$1 wished_service=$2 wished_socket=$3 owned_file=$4 server_port=$5 own_groups=$6
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
read -r uptime _ </proc/uptime
printf 'uptime=%s\n' "$uptime"
printf 'hostname=%s\nuid=%s\n' "$name" "$uid"
if [ -d /run/systemd/system ]; then echo init=systemd; fi
section addresses
hostname -I 2>/dev/null || ip -o addr 2>/dev/null | awk '{ sub(/\/.*/, "", $4); print $4 }'
section tools
for tool in mariadb mysql mariadbd mysqld mariadb-binlog mysqlbinlog mariadb-backup mariabackup mbstream zstd gzip perl python3 socat systemd-run flock \
  apt-get dnf; do
  command -v "$tool" 2>/dev/null
done

# Which process is the server decides what is read and asked as root below, so nobody but root may have a say in it: it
# is the main process of a unit of the system, or stands in that unit's control group, and its program is root's. What
# merely bears a server's name may be anybody's.
section service
units=${wished_service:-mariadb.service mysql.service mysqld.service}
groups='/sys/fs/cgroup /sys/fs/cgroup/systemd /sys/fs/cgroup/unified'
units_are() {
  services=$(systemctl show -p Id,LoadState,ActiveState,UnitFileState,WantedBy,MainPID,Result,User,ControlGroup \
    -p ExecStart,FragmentPath,DropInPaths,EnvironmentFiles -- "$@" 2>&1)
  pid= group=
  while IFS= read -r line; do
    case $line in
      MainPID=[1-9]*) [ -n "$pid" ] || pid=${line#*=} ;;
      ControlGroup=/?*) [ -n "$group" ] || group=${line#*=} ;;
    esac
  done <<END
$services
END
}
is_server() {
  program=$(readlink "/proc/$1/exe" 2>/dev/null)
  case ${program%' (deleted)'} in */mariadbd | */mysqld | */mysqld-debug) ;; *) return 1 ;; esac
}
# Where there is a control group, its unit is the one that runs, and the others need not be asked.
running=
for unit in $units; do
  for at in $groups; do [ ! -d "$at/system.slice/$unit" ] || running=${running:-$unit}; done
done
units_are ${running:-$units}
[ -n "$pid$group" ] || [ -z "$running" ] || units_are $units
# A unit may run a script that runs the server.
if [ -n "$group" ] && ! is_server "${pid:-0}"; then
  for at in $groups; do
    [ -r "$at$group/cgroup.procs" ] || continue
    while read -r member; do
      if is_server "$member"; then pid=$member; break 2; fi
    done <"$at$group/cgroup.procs"
  done
fi
named=
if [ -z "$pid" ]; then
  # A unit of another name, if its main process is one of these; or no systemd at all: then a server is what runs a
  # program of root's as the user that only servers have. To be that user takes root as well.
  mysql_uid=$(id -u mysql 2>/dev/null)
  for named in $(pidof mariadbd mysqld 2>/dev/null); do
    if [ -d /run/systemd/system ]; then
      [ -z "$wished_service" ] || break
      while IFS= read -r line; do
        case $line in
          */system.slice/*.service)
            running=${line##*/}
            units_are "$running"
            if [ "$pid" = "$named" ]; then break 2; fi
            pid= ;;
        esac
      done <"/proc/$named/cgroup"
    elif [ -n "$mysql_uid" ] && grep -q "^Uid:[[:space:]]$mysql_uid[[:space:]]$mysql_uid[[:space:]]" "/proc/$named/status" 2>/dev/null; then
      # Of several, one that looks at options, or opens files that were copied, is not the server.
      tr '\0' ' ' <"/proc/$named/cmdline" 2>/dev/null | grep -q -e --bootstrap -e --validate-config -e --help || { pid=$named; break; }
    fi
  done
  [ -n "$pid" ] || [ ! -d /run/systemd/system ] || units_are $units
fi
untrusted= server_uid= other=
if [ -n "$pid" ]; then
  # Who is not root can't look at it, and does nothing as root with what it says.
  case $(stat -L -c '%u:%a' "/proc/$pid/exe" 2>/dev/null) in
    0:*[2367] | 0:*[2367]?) untrusted="others may write to the program that process $pid runs" ;;
    0:*) ;;
    '') [ "$uid" != 0 ] || untrusted="the program that process $pid runs can't be looked at" ;;
    *) untrusted="the program that process $pid runs does not belong to root" ;;
  esac
  while read -r key _ owner _; do [ "$key" != Uid: ] || { server_uid=$owner; break; }; done <"/proc/$pid/status"
  is_server "$pid" || other=$program
  [ -z "$untrusted" ] || { named=$pid pid=; }
fi
printf '%s\n' "$services"

# Lines of the unit's own files that may hold arguments: the place of one that a process has, or will have.
section unit-lines
old_ifs=$IFS
set -f
set --
while IFS= read -r line; do
  case $line in
    FragmentPath=?* | DropInPaths=?*) set -- "$@" ${line#*=} ;;
    EnvironmentFiles=?*) line=${line#*=}; set -- "$@" "${line%% (*}" ;;
  esac
done <<END
$services
END
set +f
for file; do
  shift
  # Nobody but root has a say in what lies there.
  case $file in *..*) ;; /etc/* | /usr/* | /lib/* | /run/systemd/*) [ ! -f "$file" ] || set -- "$@" "$file" ;; esac
done
[ $# -eq 0 ] || grep -IHn -e '--[a-z]' -e '^[[:space:]]*ExecStart[[:space:]]*=[[:space:]]*$' -- "$@" 2>/dev/null | head -n 200
# What systemd itself was given reaches every unit whose command names it, but where that unit has a value of its own.
case $services in
  *'argv[]='*'$'*)
    systemctl show-environment 2>/dev/null | grep -n '^[A-Za-z_]*=.*--[a-z]' | while IFS= read -r line; do
      name=${line#*:}; name=${name%%=*}
      case $services in *"\$$name"* | *"\${$name}"*) ;; *) continue ;; esac
      [ $# -gt 0 ] && grep -q "^[^#;]*$name=" -- "$@" 2>/dev/null || printf 'systemctl show-environment:%s\n' "$line"
    done ;;
esac

# What counts is asked of the program that reads the files: with its own words, as its own user and in the environment of
# its process. Root itself opens none of the files that this user could exchange.
section option-defaults
newline='
'
reader=${program%' (deleted)'} words=
if [ -n "$pid" ] && [ -z "$other" ]; then
  [ ! -r "/proc/$pid/cmdline" ] || words=$(tr '\0' '\n' <"/proc/$pid/cmdline")
  surroundings=$(tr '\0' '\n' 2>/dev/null <"/proc/$pid/environ")
else
  reader=
  case $services in *'{ path='*)
    reader=${services#*'{ path='}; reader=${reader%%[ ;]*}
    words=${services#*'argv[]='}; words=$(printf '%s\n' "${words%% ;*}" | tr ' ' '\n') ;;
  esac
  case ${reader##*/} in
    mariadbd | mysqld | mysqld-debug) ;;
    *) reader=$(command -v mariadbd || command -v mysqld) words= ;;
  esac
  surroundings=
fi
# Who is not root can't look at the program of a process: then it is that of the unit.
if [ -z "$reader" ] && [ -n "$pid" ] && [ "$uid" != 0 ]; then
  case $services in *'{ path='*) reader=${services#*'{ path='}; reader=${reader%%[ ;]*} ;; esac
  case ${reader##*/} in mariadbd | mysqld | mysqld-debug) ;; *) reader=$(command -v mariadbd || command -v mysqld) ;; esac
fi
asker=$server_uid
if [ -z "$asker" ]; then
  case $services in *User=[!$newline]*) asker=${services#*User=}; asker=${asker%%$newline*} ;; esac
  asker=$(id -u "${asker:-mysql}" 2>/dev/null)
fi
asked= status= ignored= group_suffix=
set -- env -i "PATH=$PATH"
IFS=$newline
set -f
for word in $surroundings; do
  case $word in HOME=* | MYSQL_HOME=* | MARIADB_HOME=* | MYSQL_GROUP_SUFFIX=* | MARIADB_GROUP_SUFFIX=*) set -- "$@" "$word" ;; esac
  case $word in *_GROUP_SUFFIX=*) group_suffix=${word#*=} ;; esac
done
IFS=$old_ifs
set +f
if [ ! -x "$reader" ] || [ -n "$untrusted" ]; then
  [ -z "$named$pid" ] || echo "unasked the server's program is not known"
elif case $(stat -L -c '%u:%a' "$reader" 2>/dev/null) in 0:*[2367] | 0:*[2367]?) false ;; 0:*) ;; *) false ;; esac; then
  asker_group=$(id -g "$asker" 2>/dev/null)
  # Who is not root asks as himself, and sees of the files what he reads here.
  if [ "$uid" = 0 ] && ! command -v setpriv >/dev/null 2>&1; then
    echo 'unasked setpriv is not installed (package util-linux)'
  elif [ "$uid" = 0 ] && { [ -z "$asker" ] || [ -z "$asker_group" ]; }; then
    echo "unasked the server's user is not known"
  else
    # What everybody may write to MariaDB reads all the same where its unit lets its user write nowhere near: it is asked there.
    # Only where root has made that place: who is somebody else's root there could have put his own programs into it.
    if [ "$uid" = 0 ] && [ -n "$pid" ] && [ /proc/self/ns/user -ef "/proc/$pid/ns/user" ] && nsenter -m -t "$pid" -- true 2>/dev/null; then
      set -- "$@" nsenter -m -t "$pid" --
    fi
    if [ "$uid" = 0 ]; then
      set -- "$@" setpriv --reuid="$asker" --regid="$asker_group" --init-groups --
    else
      set -- "$@" HOME=/nonexistent
    fi
    ! command -v timeout >/dev/null 2>&1 || set -- "$@" timeout -k 1 3
    set -- "$@" "$reader"
    IFS=$newline
    set -f
    for word in $words; do
      case $word in --no-defaults | --defaults-file=* | --defaults-extra-file=* | --defaults-group-suffix=*) set -- "$@" "$word" ;; esac
    done
    IFS=$old_ifs
    set +f
    asked=$(cd / && "$@" --print-defaults 2>&1 </dev/null)
    status=$?
    if [ "$status" = 0 ]; then
      # What it says first are warnings, such as of files that it leaves out since everybody may write to them.
      ignored=
      while line=${asked%%"$newline"*}; do
        case $line in
          *'following arguments:' | "$asked") break ;;
          *"config file '"*"' is ignored"*) line=${line#*"config file '"}; ignored=$ignored${line%"' is ignored"*}$newline ;;
        esac
        asked=${asked#*"$newline"}
      done
      printf 'asked\n%s\n' "$asked"
    elif [ "$status" = 124 ] || [ "$status" = 137 ]; then
      echo 'unasked it did not answer within 3 seconds'
    else
      printf 'refused\n%s\n' "$asked"
      asked=
    fi
  fi
else
  echo "unasked the server's program does not belong to root alone"
fi

# What lies beside the server's program is of its own version, whether it is on PATH or not.
section tools-beside
case $reader in
  /*/*)
    near=${reader%/*}
    for tool in mariadb mysql mariadb-binlog mysqlbinlog; do
      for file in "$near/$tool" "${near%/*}/bin/$tool"; do
        # Root runs it, so it is root's.
        if [ -f "$file" ] && [ -x "$file" ] && [ -O "$file" ]; then printf '%s\n' "$file"; break; fi
      done
    done ;;
esac

# One awk walks the option files, so that twenty files do not cost forty processes. It prints the
# files in the order in which the server reads them, and what they say of the data directory. First come the
# arguments of the running server on its standard input. Directories at the usual places were listed by the shell.
walk='
function trim(s) { sub(/^[ \t]+/, "", s); sub(/[ \t\r]+$/, "", s); return s }
function read(path, depth,   line, list, n, i, names, ls, above, handle) {
  if (depth > 10) return
  # The server leaves out what everybody may write to.
  if (path in ignored) { print "W " path; return }
  if (path in large) { print "T " path; return }
  # A pipe that somebody has put in a directory of all users would never end.
  if (path !~ /^\/etc\// && system("[ -f \"" quote(path) "\" ]") != 0) return
  # A file that includes itself is open several times: each time under a name of its own.
  handle = path
  for (i = 0; i < depth; i++) handle = "/" handle
  if (path !~ /^\//) handle = path
  if ((getline line < handle) < 0) return
  print "F " path
  above = own; own = 0
  do {
    line = trim(line)
    sub(/^![ \t]+/, "!", line)
    if (line ~ /^!includedir[ \t]/) {
      sub(/^!includedir[ \t]+/, "", line); sub(/\/+$/, "", line)
      print "D " line
      n = 0
      if (line in listed) {
        n = split(listed[line], names, "\n")
      } else {
        # In a variable: what a concatenation before a pipe means differs between versions of awk.
        ls = "ls -1A \"" quote(line) "\" 2>/dev/null"
        while ((ls | getline list) > 0) names[++n] = list
        close(ls)
      }
      sort(names, n)
      for (i = 1; i <= n; i++) if (names[i] ~ /\.cnf$/) read(line "/" names[i], depth + 1)
    } else if (line ~ /^!include[ \t]/) {
      sub(/^!include[ \t]+/, "", line); read(line, depth + 1)
    } else if (line ~ /^\[/) {
      # The groups of option_file, and one whose options clients read too; not that of another instance, such as
      # [mysqld@two].
      group = tolower(line); sub(/^\[/, "", group); sub(/[ \t]*\].*/, "", group)
      if (suffix != "" && length(group) > length(suffix) &&
        substr(group, length(group) - length(suffix) + 1) == suffix)
        group = substr(group, 1, length(group) - length(suffix))
      # One of some version ends with a hyphen in the list.
      own = group in groups
      if (sub(/-[0-9.]+$/, "-", group)) own = group in groups
    } else if (own && said == "" && line ~ /^datadir[ \t]*=/) {
      sub(/^datadir[ \t]*=/, "", line); print "V " trim(line)
    } else if (own && said == "" && line ~ /^log[-_]error[ \t]*=/) {
      sub(/^log[-_]error[ \t]*=/, "", line); print "L " trim(line)
    } else if (own && said == "" && line ~ /^socket[ \t]*=/) {
      sub(/^socket[ \t]*=/, "", line); print "S " trim(line)
    }
  } while ((getline line < handle) > 0)
  close(handle)
  own = above
}
# By bytes, as the server does.
function sort(names, n,   i, j, one) {
  for (i = 2; i <= n; i++) {
    one = names[i]
    for (j = i - 1; j > 0 && names[j] "" > one ""; j--) names[j + 1] = names[j]
    names[j + 1] = one
  }
}
function quote(s) { gsub(/[\\"$`]/, "\\\\&", s); return s }
BEGIN {
  said = ENVIRON["asked"]
  n = split(ENVIRON["own_groups"], lines, " ")
  for (i = 1; i <= n; i++) groups[lines[i]] = 1
  suffix = ENVIRON["group_suffix"]
  n = split(ENVIRON["shared"], lines, "\n")
  for (i = 1; i <= n; i++) ignored[lines[i]] = 1
  n = split(ENVIRON["oversized"], lines, "\n")
  for (i = 1; i <= n; i++) large[lines[i]] = 1
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
    if (argument == "--no-defaults") none = 1
    if (seen++) print "G " argument
  }
  if (suffix != "") print "X " suffix
  suffix = tolower(suffix)
  if (none) { }
  else if (only != "") read(only, 0)
  else {
    read("/etc/my.cnf", 0); read("/etc/mysql/my.cnf", 0); read("/usr/etc/my.cnf", 0)
    if (extra != "") read(extra, 0)
  }
  # What the program itself says of them needs no reading.
  n = split(said, lines, " --")
  for (i = 1; i <= n; i++) {
    value = lines[i]; sub(/^[^=]*=/, "", value); value = trim(value)
    if (lines[i] ~ /^datadir=/) print "V " value
    else if (lines[i] ~ /^log[-_]error=/) print "L " value
    else if (lines[i] ~ /^socket=/) print "S " value
  }
}
'
listing=
for directory in /etc/my.cnf.d/ /etc/mysql/*/; do
  [ -d "$directory" ] || continue
  listing=$listing$directory$newline
  for file in "$directory".cnf "$directory".*.cnf "$directory"*.cnf; do [ ! -e "$file" ] || listing=$listing$file$newline; done
done
places='/etc/my.cnf /etc/my.cnf.d /etc/mysql /usr/etc/my.cnf'
# The server leaves out what everybody may write to, and has said of which files; what is no file would be waited for.
if [ "$status" = 0 ]; then
  shared=$ignored$(find -L $places -maxdepth 3 ! -type f ! -type d 2>/dev/null)
else
  shared=$(find -L $places -maxdepth 3 \( -type f -perm -0002 -o ! -type f ! -type d \) 2>/dev/null)
fi
oversized=$(find -L $places -maxdepth 3 -type f -size +8192 2>/dev/null)
by_script=
if [ -n "$pid" ]; then
  while read -r key value; do [ "$key" != PPid: ] || { parent=$value; break; }; done <"/proc/$pid/status"
  comm=
  [ ! -r "/proc/$parent/comm" ] || read -r comm <"/proc/$parent/comm"
  case $comm in *safe*) by_script=yes ;; esac
fi
# A variable of the environment holds no more than 128 KiB.
[ ${#asked} -lt 100000 ] || asked=
# The server answers with its own name first.
case $asked in *$newline*) asked=" ${asked#*$newline}" ;; *) [ -z "$asked" ] || asked=' ' ;; esac
export listing shared oversized asked own_groups group_suffix
section option-tree
walked=$(printf '%s\n' "$words" | awk "$walk" 2>/dev/null)
printf 'pid %s\nnamed %s\nuntrusted %s\nother %s\n%s\n' "$pid" "$named" "$untrusted" "$other" "$walked"
[ -z "$by_script" ] || echo 'B yes'
[ -z "$ignored" ] || printf '%s' "$ignored" | sed 's/^/I /'
IFS=$newline
set -f
set --
given= datadir= directories= to_come=
for line in $walked; do
  case $line in
    'F '*) set -- "$@" "${line#F }" ;;
    'D '*) directories=$directories${line#D }$newline ;;
    'A '*) given=${line#A } ;;
    'V '*) datadir=${line#V } ;;
    'S '*) to_come=${line#S } ;;
  esac
done
alone=yes
for line; do [ "$line" != "$owned_file" ] || alone=; done
if [ -n "$alone" ] && [ -f "$owned_file" ]; then set -- "$@" "$owned_file"; fi
# Who else may write to one of them decides what the server does.
owners=$(LC_ALL=C stat -L -c '%F:%u:%a:%n' -- "$@" $directories 2>/dev/null)
set +f
IFS=$old_ifs
# What the server was started with wins, then what is written last. Where nothing says it, it is where the server works.
if [ -z "$given$datadir" ] && [ -n "$pid" ] && [ "$uid" = 0 ]; then
  datadir=$(readlink "/proc/$pid/cwd")
  [ "$datadir" != / ] || datadir=
fi
datadir=${given:-${datadir:-/var/lib/mysql}}
section option-owners
printf '%s\n' "$owners"
section option-times
# The 22nd field, in hundredths of a second since the host's boot; what stands before it in brackets may hold anything.
if [ -n "$pid" ] && IFS= read -r line <"/proc/$pid/stat"; then
  line=${line##*) }
  printf 'started %s\n' "$(printf '%s\n' "$line" | cut -d ' ' -f 20)"
fi
IFS=$newline
set -f
stat -L -c '%.9Z %n' -- "$@" $directories 2>/dev/null
set +f
IFS=$old_ifs
section option-sizes
[ $# -eq 0 ] || wc -c "$@" 2>/dev/null
section option-bytes
[ $# -eq 0 ] || cat "$@" 2>/dev/null

section role-unit
# Its files hold passwords: only their digest leaves the host.
if [ -d /var/lib/tandem/role ] || [ -e /etc/systemd/system/tandem-role.service ]; then
  at=/var/lib/tandem/role salt=
  [ ! -r "$at/salt" ] || read -r salt <"$at/salt"
  printf 'salt %s\n' "$salt"
  digest=$(cat "$at/salt" "$at/peers" "$at/peer.cnf" "$at/own.cnf" "$at/open.sh" /etc/systemd/system/tandem-role.service 2>/dev/null | sha256sum)
  printf 'digest %s\n' "${digest%% *}"
  for link in /etc/systemd/system/*.wants/tandem-role.service; do
    [ ! -e "$link" ] || { link=${link%.wants/*}; printf 'wanted %s\n' "${link##*/}"; }
  done
elif [ -d /var/lib/tandem/role.away ]; then
  # A run was cut off between putting it aside and a switch of writes.
  printf 'salt -\n'
fi

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
  [ -f "$info" ] && [ -r "$info" ] || continue
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
section shared-uuids
show /var/lib/tandem/shared-uuids
section retention
show /var/lib/tandem/retention.json
section values
show /var/lib/tandem/values.json
section locked
show /var/lib/tandem/locked.json
section lock
show /run/tandem/lock.json
section sockets
# Where no server runs, the user of its unit, or the owner of its data, is whose socket it will be.
if [ -z "$server_uid" ]; then
  case $services in *User=[!$newline]*) user=${services#*User=}; server_uid=$(id -u "${user%%$newline*}" 2>/dev/null) ;; esac
  [ -n "$server_uid" ] || server_uid=$(stat -c %u "$datadir" 2>/dev/null)
fi
printf 'uid %s\n' "$server_uid"
# The sockets at which the process itself listens. A name in a directory of all users is another user's as easily.
bound=
if [ -n "$pid" ] && [ "$uid" = 0 ]; then
  bound=$({ ls -l "/proc/$pid/fd"; echo; cat "/proc/$pid/net/unix"; } 2>/dev/null | awk '
    /socket:\[[0-9]+\]$/ { sub(/^.*socket:\[/, ""); sub(/\]$/, ""); own[$0] = 1; next }
    $4 == "00010000" && $5 == "0001" && $7 in own && $8 ~ /^\// && !/mysqlx[^\/]*$/ { sub(/^([^ ]+ +)+\//, "/"); print }')
fi
usual='/run/mysqld/mysqld.sock /var/lib/mysql/mysql.sock'
[ -n "$bound" ] || [ "$uid" != 0 ] || usual=
[ -n "$pid" ] || usual=
# Whether others than root and the server's user may exchange what lies at a path: by its name, and by where links lead.
exchanged() {
  near=${1%/*}
  until real=$(cd -P -- "$near/" 2>/dev/null && pwd -P); do near=${near%/*}; done
  set -- "${1%/*}" "$real"
  for near; do
    while [ -n "$near" ]; do set -- "$@" "$near"; near=${near%/*}; done
  done
  stat -L -c '%u:%g:%a:' -- / "$@" 2>/dev/null | {
    while read -r place; do
      case $place in
        0:0:* | "$server_uid":0:*) case $place in *:*[2367]:) exit 0 ;; esac ;;
        0:* | "$server_uid":*) case $place in *[2367]: | *[2367]?:) exit 0 ;; esac ;;
        *) exit 0 ;;
      esac
    done
    exit 1
  }
}
IFS=$newline
set -f
# One that is down will listen where its files say.
case $pid$to_come in /*) ! exchanged "$to_come" || printf 'shared %s\n' "$to_come" ;; esac
for socket in $wished_socket $(IFS=' '; printf '%s\n' $usual) $bound; do
  case $socket in /*) ! exchanged "$socket" || printf 'shared %s\n' "$socket" ;; esac
  [ -S "$socket" ] || continue
  owner=$(stat -c %u -- "$socket" 2>/dev/null)
  same=
  for other in $bound; do [ ! "$socket" -ef "$other" ] || same=yes; done
  [ -z "$bound" ] || [ -n "$same" ] || { [ "$socket" = "$wished_socket" ] && printf 'refused %s\n' "$socket"; continue; }
  if [ -n "$owner" ] && { [ "$owner" = 0 ] || [ "$owner" = "$server_uid" ]; }; then
    printf 'socket %s\n' "$socket"
  else
    printf 'refused %s\n' "$socket"
  fi
done
set +f
IFS=$old_ifs
# A server that fails and is started again and again has a process now and then.
case $services in
  *ActiveState=active*) down=$([ -n "$pid" ] || echo down) ;;
  *) down=down ;;
esac
# Here what is known of a server that is down follows, then the firewall's own part, then the end.
