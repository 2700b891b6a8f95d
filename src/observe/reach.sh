# Tries from this host whether TCP ports of others answer. Writes nothing. Arguments: SYN-PROGRAM, then MODE ADDRESS PORT...
# Prints a line `ADDRESS PORT open` or `ADDRESS PORT REASON` for each. A dropped packet costs the time
# limit, so all are tried at once. A server counts connections that end before a login, and refuses a host at the hundredth: what
# can be asked without one is asked so. Where that is not possible, `quiet` ends without a line, `any` and `soon` make a
# connection, `soon` with a second of patience: bash
# has a TCP client built in; perl is the other one that is near.
LC_ALL=C; export LC_ALL
syn=$1; shift
probe() {
  status=77 within=3 soon=
  if [ "$1" = soon ]; then within=1 soon=1; fi
  if command -v perl >/dev/null 2>&1; then said=$(perl -e "$syn" "$2" "$3" $soon 2>/dev/null); status=$?; fi
  case $status in
    0 | 1) ;;
    *)
      [ "$1" != quiet ] || return
      if command -v bash >/dev/null 2>&1; then
        said=$(timeout $within bash -c ': </dev/tcp/"$0"/"$1"' "$2" "$3" 2>&1)
      elif command -v perl >/dev/null 2>&1; then
        said=$(timeout $within perl -MIO::Socket::IP -e 'IO::Socket::IP->new(PeerHost=>$ARGV[0],PeerPort=>$ARGV[1]) or die "$@\n"' \
          "$2" "$3" 2>&1)
      else
        echo "$2 $3 neither bash nor perl is there to try it"; return
      fi
      status=$?
      said=$(printf '%s' "$said" | sed -n '1s/^.*: //p') ;;
  esac
  case $status in
    0) echo "$2 $3 open" ;;
    124) echo "$2 $3 no answer within $within s" ;;
    *) printf '%s %s %s\n' "$2" "$3" "${said:-no reason is given}" ;;
  esac
}
while [ $# -ge 3 ]; do
  probe "$1" "$2" "$3" &
  shift 3
done
wait
