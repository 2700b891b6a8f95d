# put_file PATH OWNER GROUP MODE: standard input becomes PATH, whole or not at all.
put_file() (
  umask 077
  safe_place "${1%/*}/" || exit 1
  new=$(mktemp "$1.XXXXXX") || exit 1
  trap 'rm -f "$new"' EXIT
  cat >"$new" && chown -- "$2:$3" "$new" && chmod -- "$4" "$new" && sync "$new" && mv -- "$new" "$1"
)

# show_file PATH: owner, group and mode in a line, then the content; or why there is none.
show_file() {
  # What another user may exchange is neither read nor written as root.
  if [ -d "${1%/*}/" ] && ! why=$(safe_place "${1%/*}/" 2>&1); then
    printf 'unsafe\n%s\n' "$why"
  elif [ -f "$1" ] && [ "$(stat -L -c %s -- "$1")" -gt 16777216 ]; then
    echo large
  elif [ -f "$1" ]; then
    stat -c '%U %G %a' -- "$1"
    cat -- "$1"
  elif [ -e "$1" ]; then
    echo other
  else
    echo absent
  fi
}
