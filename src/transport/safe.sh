# Places of ours on a host. It goes in front of scripts that write as root: it defines functions and runs nothing.
# Root follows nothing that another user can make: every directory on the way must belong to root, and nobody else may
# write to it. Where that is not so, a function says why and fails.

# safe_place DIRECTORY [UID]: it and all directories above it are root's alone, or also that user's, by its name and by
# where links lead.
safe_place() (
  real=$(cd -P -- "$1" 2>/dev/null && pwd -P) || { echo "$1 is not a directory" >&2; exit 1; }
  asked=$1 owner=${2:-0}
  case $asked in /*) ;; *) echo "$asked is not a path from the root" >&2; exit 1 ;; esac
  set --
  for path in "$asked" "$real"; do
    while [ -n "$path" ]; do set -- "$@" "$path"; path=${path%/*}; done
  done
  # All at once: a process for each costs more than all that is done with it. There is a line for each, in their order:
  # kind, user, group, mode. A link has no mode of its own, and a group of root's is root's.
  places=$(LC_ALL=C stat -c '%F:%u:%g:%a' -- "$@" / 2>/dev/null) || { echo "$asked changes while it is looked at" >&2; exit 1; }
  set -f
  IFS='
'
  for place in $places; do
    path=${1:-/}
    case $place in
      'symbolic link:0:'*) ;;
      directory:*[2367] | directory:*:[!0]*:*[2367]?)
        echo "other users may write to $path; take that right away: chmod go-w $path" >&2; exit 1 ;;
      directory:0:* | "directory:$owner:"*) ;;
      *) echo "$path does not belong to root; give it to root: chown root $path" >&2; exit 1 ;;
    esac
    [ $# -eq 0 ] || shift
  done
)

# private_dir DIRECTORY: makes it for root alone, if it is not that yet.
private_dir() {
  parent=${1%/*}
  safe_place "${parent:-/}" || return 1
  made=$(LC_ALL=C mkdir -m 700 -- "$1" 2>&1) || :
  case $(LC_ALL=C stat -c '%F:%u:%a' -- "$1" 2>/dev/null) in
    directory:0:700) ;;
    directory:0:*[2367] | directory:0:*[2367]?)
      echo "other users may write to $1; look at what is in it, then remove it" >&2; return 1 ;;
    # What an earlier version has made could be read by everybody.
    directory:0:*) chmod 700 -- "$1" ;;
    '') echo "$1 could not be made: ${made##*: }" >&2; return 1 ;;
    *) echo "$1 is not a directory of root; look at it, then remove it" >&2; return 1 ;;
  esac
}

# new_file FILE: standard input becomes FILE, a new file. What lies there under this name is neither followed nor kept.
new_file() {
  safe_place "${1%/*}" && rm -f -- "$1" && (set -C; cat >"$1")
}

