# Connects to a server as a replica would, prints what it says first, and holds the connection until the input ends, so that the
# server can be asked whether it is the one that has it. Writes nothing. Arguments: ADDRESS PORT SECONDS.
# Prints `greeting HEX`, or `failed REASON`.
LC_ALL=C; export LC_ALL
if command -v perl >/dev/null 2>&1; then
  exec perl -e '
    use strict; use Socket qw(:DEFAULT getaddrinfo IPPROTO_TCP); $| = 1;
    my ($name, $port, $hold) = @ARGV;
    my ($error, @found) = getaddrinfo($name, $port, {socktype => SOCK_STREAM, protocol => IPPROTO_TCP});
    if ($error) { print "failed $error\n"; exit }
    $SIG{ALRM} = sub { print "failed no answer within 5 seconds\n"; exit };
    alarm 5;
    socket(my $s, $found[0]{family}, SOCK_STREAM, IPPROTO_TCP) or do { print "failed $!\n"; exit };
    connect($s, $found[0]{addr}) or do { print "failed $!\n"; exit };
    my $all = "";
    while (length $all < 4 || length $all < 4 + unpack("V", substr($all, 0, 3) . "\0")) {
      my $more = sysread($s, $all, 4096, length $all);
      unless ($more) { print "failed ", defined $more ? "it closed the connection without a word" : $!, "\n"; exit }
      last if length $all > 4096;
    }
    alarm 0;
    print "greeting ", unpack("H*", substr($all, 4)), "\n";
    vec(my $input = "", fileno(STDIN), 1) = 1;
    select($input, undef, undef, $hold);' "$@"
fi
if command -v bash >/dev/null 2>&1; then
  { said=$(timeout 10 bash -c 'exec 3<>/dev/tcp/"$0"/"$1" || exit 1
    set -- "$2" $(timeout 5 dd bs=1 count=4 <&3 2>/dev/null | od -An -v -tu1)
    [ $# = 5 ] || { echo failed it closed the connection without a word >&4; exit; }
    hello=$(timeout 5 dd bs=1 count=$(($2 + 256 * $3)) <&3 2>/dev/null | od -An -v -tx1 | tr -d " \n")
    echo "greeting $hello" >&4
    read -r -t "$1" || :' "$1" "$2" "$3" 2>&1); } 4>&1
  status=$?
  case $status in
    0) ;;
    124) echo 'failed no answer within 10 seconds' ;;
    *) printf 'failed %s\n' "$(printf '%s' "$said" | sed -n '1s/^.*: //p')" ;;
  esac
fi
