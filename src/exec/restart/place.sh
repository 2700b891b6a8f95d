# Part of scripts that write: a place that can't be written is named, and what was begun is undone.
# Runs a command; where it fails, the script ends with 9, the place and the reason on standard error.
at() {
  place=$1; shift
  said=$("$@" 2>&1 >/dev/null) && return 0
  # A shell's own words say less than that.
  case $said in
    *'No space left on device'*) ;;
    *) [ "$(stat -f -c %a "$place" 2>/dev/null)" != 0 ] || said='No space left on device' ;;
  esac
  undo
  printf '%s: %s\n' "$place" "${said:-it could not be written}" | tr '\n' ' ' >&2
  exit 9
}
undo() { :; }
digest() { [ -e "$1" ] || { echo absent; return; }; sha256sum <"$1" | cut -d ' ' -f 1; }
# A file with this text, whole and on the disk. Arguments: PATH TEXT.
write() { printf '%s\n' "$2" >"$1.new" && sync "$1.new" && [ "$(cat "$1.new")" = "$(printf %s "$2")" ] && mv -f "$1.new" "$1"; }
# A copy that is on the disk and equal. Arguments: FROM TO.
copy() { cp -p "$1" "$2.new" && sync "$2.new" && [ "$(digest "$1")" = "$(digest "$2.new")" ] && mv -f "$2.new" "$2"; }
# Puts a file in its place, whole, or leaves what is there. Arguments: FROM TO MODE.
put() {
  other=$(mktemp "$2.XXXXXX") || return 1
  cat "$1" >"$other" && chmod "$3" "$other" && sync "$other" && [ "$(digest "$1")" = "$(digest "$other")" ] &&
    mv -f "$other" "$2" && sync "${2%/*}" && return 0
  rm -f "$other"
  return 1
}
