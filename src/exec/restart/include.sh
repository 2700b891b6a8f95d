# Adds one line to an option file of somebody's, which then includes a directory that is made. Nothing else of the file
# changes, neither its owner nor its mode, and what the server reads out of it is the same afterwards.
# Arguments: FILE DIGEST DIRECTORY UNIT.
set -u
umask 077
wanted=$2 directory=$3 unit=$4 other= made=
undo() { [ -z "$other" ] || rm -f -- "$other"; [ -z "$made" ] || rmdir -- "$directory" 2>/dev/null; }
real=$(readlink -f -- "$1") && [ -f "$real" ] || { echo "$1 is not there" >&2; exit 1; }
at "${real%/*}" safe_place "${real%/*}"
at "${directory%/*}" safe_place "${directory%/*}"
line="!includedir $directory"
[ "$(digest "$real")" = "$wanted" ] || { echo "$1 is another file by now; plan again" >&2; exit 1; }
if [ ! -d "$directory" ]; then
  at "${directory%/*}" mkdir -m 755 -- "$directory"
  made=yes
fi
at "$directory" safe_place "$directory"
for file in "$directory"/*.cnf; do
  # It would begin to count.
  [ ! -e "$file" ] || { echo "$directory holds $file already; look at what it is, then remove it" >&2; exit 1; }
done
other=$(mktemp "$real.XXXXXX") || { echo "${real%/*}: no file can be made there" >&2; undo; exit 1; }
fill() {
  cp -p -- "$real" "$other" || return 1
  [ -z "$(tail -c 1 "$real")" ] || echo >>"$other"
  printf '%s\n' "$line" >>"$other" && sync "$other"
}
at "${real%/*}" fill
program_of_unit
if [ -n "$server" ]; then
  read_as() { (cd / && as_server "$server" --defaults-file="$1" --print-defaults 2>&1) | sed 1d; }
  if [ "$(read_as "$real")" != "$(read_as "$other")" ]; then
    echo "the server would read $1 otherwise with that line" >&2
    undo
    exit 1
  fi
fi
[ "$(digest "$real")" = "$wanted" ] || { echo "$1 has changed meanwhile; plan again" >&2; undo; exit 1; }
at "${real%/*}" mv -f -- "$other" "$real"
sync "${real%/*}" 2>/dev/null || :
