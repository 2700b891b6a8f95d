# Writes the option file: checked by the server's own binary, with the old one kept for the host's own switch.
# Arguments: PATH DIGEST UNIT SOCKET LOG LIMIT SWITCH CHECKING-OPTIONS CLOSED ALONE FILE... Standard input: the content. The
# files are those of the server's chain. CLOSED names the variables that keep the server closed in what comes back, and
# ALONE is a file with these; both are empty where nothing is to be closed. Prints `checked`, or why it was not.
set -u
umask 077
path=$1 wanted=$2 unit=$3 socket=$4 log=$5 limit=$6 switch=$7 options=$8 closed=$9; shift 9
alone=$1; shift
at /run private_dir /run/tandem
at "${path%/*}" safe_place "${path%/*}"
# Not below /run/tandem: the server's own user reads it, and nobody else.
at /run safe_place /run
rm -rf /run/tandem-check.*
check=$(mktemp -d /run/tandem-check.XXXXXX) || { echo "/run: no directory can be made there" >&2; exit 9; }
candidate=$check/candidate.cnf
trap 'rm -rf "$check"' EXIT
receive() { cat >"$candidate"; }
at /run receive
[ "$(digest "$candidate")" = "$wanted" ] || { echo "the connection ended before the file was here" >&2; exit 1; }

program_of_unit
[ -z "$unasked" ] || echo "$unasked"
# The chain without our file: each file without its includes, which are files of the chain themselves.
says() {
  raw=$(cd / && as_server "$server" --defaults-file="$check/chain.cnf" $options 2>&1 >/dev/null)
  ended=$?
  printf '%s\n' "$raw" | faults
  return "$ended"
}
chain() {
  number=0
  for file; do
    [ "$file" != "$path" ] && [ -f "$file" ] || continue
    number=$((number + 1))
    sed '/^[[:space:]]*!include/d' "$file" >"$check/$number.cnf" && echo "!include $check/$number.cnf" || return 1
  done >"$check/chain.cnf"
  [ -e "$check/chain.cnf" ] && chgrp -R "$gid" "$check" && chmod 750 "$check" && chmod 640 "$check"/*
}
if [ -n "$server" ]; then
  at /run chain "$@"
  before=$(says)
  sound=$?
  include() { echo "!include $candidate" >>"$check/chain.cnf"; }
  at /run include
  after=$(says)
  ended=$?
  new=$(printf '%s\n' "$after" | while IFS= read -r line; do
    printf '%s\n' "$before" | grep -qxF -e "$line" || printf '%s\n' "$line"; done)
  if [ -z "$new" ] && [ "$sound" = 0 ] && [ "$ended" != 0 ]; then new="$server ends with exit status $ended"; fi
  if [ -n "$new" ]; then
    printf '%s\n' "$new" >&2
    exit 3
  fi
  if [ "$sound" = 0 ]; then echo checked; else echo "$server does not take the other option files either"; fi
fi

enter "$limit"
# What a start that fails brings back: the file that the server has last started with.
if [ "$(cat state 2>/dev/null)" != written ] || ! grep -qxF "path $path" file || ! grep -qxF "new $(digest "$path")" file; then
  rm -f file
  if [ -e "$path" ]; then at "$home" copy "$path" before; else rm -f before; fi
  old=$(digest "$path")
  undo() { disarm; rm -f file before; }
else
  old=$(sed -n 's/^old //p' file) now=$(digest "$path")
  undo() { write file "path $path
old $old
new $now"; }
fi
# Another host has the writes: what comes back must not take them.
closed_before() {
  if [ "$old" = absent ]; then
    printf '%s' "$alone" >before.new && chmod 644 before.new
  else
    cp -p before before.new || return 1
    for name in $closed; do
      pattern=$(printf '%s\n' "$name" | sed 's/_/[-_]/g')
      sed "/^[[:space:]]*$pattern[[:space:]]*\(=.*\)\{0,1\}$/d" before.new >before.less &&
        cat before.less >before.new || return 1
    done
    rm -f before.less
    printf '%s' "$alone" | sed -n '/ = /p' >>before.new
  fi && mv -f before.new before
}
if [ -n "$closed" ]; then
  at "$home" closed_before
  old=$(digest before)
fi
rm -f said ended failed
at "$home" write file "path $path
old $old
new $wanted"
arm "$unit" "$socket" "$log" "$limit" '' "$switch"
at "$home" state written
arm_boot "$unit"
at "${path%/*}" put "$candidate" "$path" 644
[ "$(digest "$path")" = "$wanted" ] || { echo "${path%/*}: the file is another one than was written" >&2; exit 9; }
