# Asks the server's own program what it would say of options beside those of other files, as its own user; it reads them
# and ends. Writes nothing. Arguments: UNIT CHECKING-OPTIONS COUNT FILE... WORD... COUNT is that of the files. Prints `asked`,
# or `unasked` and why, with `broken` and its words where it does not take the files as they are; then, of each word that it does not take, a line: `said`, its number and what it says, a hyphen standing for
# the number where it does not take them together; or `directory` or `file`, its number and the path that has to be there; or `pem`,
# its number and the file that is no certificate or key; or
# `closed`, its number and the directory in which the server could not write; or
# `address`, its number and the address that the host would have to have; or `memory`, its number and how much there is.
unit=$1 options=$2 files=$3; shift 3
if [ "$(id -u)" != 0 ]; then echo 'unasked only root can ask it'; exit 0; fi
program_of_unit
if [ -z "$server" ]; then echo "unasked $unasked"; exit 0; fi
newline='
'
suffix=
[ -z "$running" ] || suffix=$(tr '\0' '\n' 2>/dev/null <"/proc/$running/environ" | grep '_GROUP_SUFFIX=')
chosen=
[ -z "$running" ] || chosen=$(tr '\0' '\n' 2>/dev/null <"/proc/$running/cmdline" | grep '^--defaults-group-suffix=')
# The other files as one, each without its includes, which are files of the chain themselves.
chain=
while [ "$files" -gt 0 ]; do
  # The server leaves out what its user may not read.
  ! as_server test -r "$1" || chain=$chain$(sed '/^[[:space:]]*!include/d' "$1")$newline
  files=$((files - 1))
  shift
done
# Prints what it says of these words, and ends as it does. What it reads of the files is a pipe of its own user's.
says() {
  (
    cd / || exit 1
    # The first word chooses the files: the server takes it nowhere else.
    set -- timeout -k 1 15 "$server" --defaults-file=/dev/stdin ${chosen:+"$chosen"} "$@"
    [ -z "$suffix" ] || set -- "$suffix" "$@"
    printf '%s' "$chain" | as_server sh -c 'cat | "$@" 2>&1 >/dev/null' sh env -i "PATH=$PATH" HOME=/nonexistent "$@"
  )
}
# As the server's user sees the host, in the place that the unit gives it: parts of it may be hidden or read-only there.
place=
# Only where root has made that place; see host.sh.
if [ -n "$running" ] && [ /proc/self/ns/user -ef "/proc/$running/ns/user" ] && nsenter -m -t "$running" -- true 2>/dev/null; then place="nsenter -m -t $running --"; fi
as_seen() { $place setpriv --reuid="$uid" --regid="$gid" --init-groups -- "$@"; }
sees() { as_seen test "$@"; }
# Whether a file holds a certificate or a key, as far as the tools of the host can tell. Arguments: PATH KIND.
is_pem() {
  text=$(as_seen head -c 100000 -- "$1" 2>/dev/null)
  case $text in *"-----BEGIN "*"$2-----"*) ;; *) return 1 ;; esac
  [ "$2" = CERTIFICATE ] && command -v openssl >/dev/null 2>&1 || return 0
  printf '%s\n' "$text" | openssl x509 -noout >/dev/null 2>&1
}
# The path of a word that has to be there for the server's user: a directory that it uses, a file that it reads, or the
# directory in which it makes one. tandem's own certificates are made by a step.
lacks() {
  name=${1#--} path=${1#*=}
  name=${name%%=*}
  case $path in /etc/mysql/tandem/*) return 1 ;; /*) ;; *) return 1 ;; esac
  path=${path%%[:;,]*}
  writes= kind=-d what=directory holds=
  case $name in
    secure_file_priv | plugin_dir | lc_messages_dir | character_sets_dir) ;;
    tmpdir | *_load_tmpdir | datadir | innodb_data_home_dir | innodb_log_group_home_dir | innodb_undo_directory | \
      innodb_doublewrite_dir | innodb_temp_tablespaces_dir) writes=yes ;;
    init_file | ft_stopword_file) kind=-r what=file ;;
    *ssl_ca | *ssl_cert) kind=-r what=file holds=CERTIFICATE ;;
    *ssl_key) kind=-r what=file holds='PRIVATE KEY' ;;
    log_error | general_log_file | slow_query_log_file)
      # One that is there may lie where no other one can be made.
      ! sees -f "$path" || ! sees -w "$path" || return 1
      path=${path%/*} writes=yes ;;
    log_bin | relay_log | log_bin_basename | relay_log_basename | *_index | socket | pid_file) path=${path%/*} writes=yes ;;
    *_file) path=${path%/*} ;;
    *) return 1 ;;
  esac
  path=${path:-/}
  if ! sees "$kind" "$path"; then
    printf '%s %s %s\n' "$what" "$2" "$path"
  elif [ -n "$holds" ] && ! is_pem "$path" "$holds"; then
    printf 'pem %s %s\n' "$2" "$path"
  elif [ -n "$writes" ] && ! { sees -w "$path" && sees -x "$path"; }; then
    printf 'closed %s %s\n' "$2" "$path"
  fi
}
# Prints an address on which the server is to listen and that the host does not have. What is a name the server looks up.
strange() {
  set -f
  for address in $(printf '%s\n' "${1#*=}" | tr , ' '); do
    case $address in
      *[!0-9a-fA-F.:]* | '' | 0.0.0.0 | :: | 127.* | ::1) continue ;;
      *:*) family=ipv6 ;;
      *[!0-9.]*) continue ;;
      *) family=ipv4 ;;
    esac
    # It may be one that comes later, such as one that two hosts share.
    read -r foreign 2>/dev/null <"/proc/sys/net/$family/ip_nonlocal_bind" || foreign=
    [ "$foreign" != 1 ] && there=$(ip -o addr show to "$address" 2>/dev/null) && [ -z "$there" ] || continue
    printf 'address %s %s\n' "$2" "$address"
    break
  done
  set +f
}
# Prints the host's memory in bytes, swap included, where a buffer is to be larger: the server would not get it, or be killed.
beyond() {
  memory=$(awk '/^(Mem|Swap)Total:/ { n += $2 } END { printf "%.0f", n * 1024 }' /proc/meminfo 2>/dev/null)
  [ "${memory:-0}" != 0 ] || return 0
  awk -v value="${1#*=}" -v memory="$memory" 'BEGIN {
    factor = index("kmgtpe", tolower(substr(value, length(value))))
    exit !(value * 1024 ^ factor > memory)
  }' && printf 'memory %s %s\n' "$2" "$memory"
}
look() {
  raw=$(says $options "$@")
  ended=$?
  printf '%s\n' "$raw" | faults
  return "$ended"
}
before=$(look)
if [ $? -ne 0 ]; then
  echo 'unasked it does not take its option files as they are'
  printf '%s\n' "$before" | sed -n 's/^./broken &/p'
  exit 0
fi
more() {
  after=$(look "$@")
  [ $? -eq 0 ] || [ -n "$after" ] || after="it ends with an error"
  printf '%s\n' "$after" | while IFS= read -r line; do
    printf '%s\n' "$before" | grep -qxF -e "$line" || printf '%s\n' "$line"
  done
}
echo asked
[ $# -gt 0 ] || exit 0
number=0
for word; do
  case $word in
    --bind[-_]address=*) strange "$word" "$number" ;;
    --innodb[-_]buffer[-_]pool[-_]size=*) beyond "$word" "$number" ;;
    *) lacks "$word" "$number" ;;
  esac
  number=$((number + 1))
done
all=$(more "$@")
[ -n "$all" ] || exit 0
number=0 failing=
for word; do
  [ -z "$(more "$word")" ] || failing="$failing $number"
  number=$((number + 1))
done
# One that fails alone may need another one beside it: it is tried once more with all that do not.
with() {
  tried=$1 number=0 count=$#; shift
  for word; do
    case "$failing " in *" $number "*) [ "$number" != "$tried" ] || set -- "$@" "$word" ;; *) set -- "$@" "$word" ;; esac
    number=$((number + 1))
  done
  shift $((count - 1))
  more "$@"
}
each=$(for failed in $failing; do with "$failed" "$@" | sed "s/^/said $failed /"; done)
# What it takes one by one it may not take together.
if [ -n "$each" ]; then printf '%s\n' "$each"; else printf '%s\n' "$all" | sed 's/^/said - /'; fi
