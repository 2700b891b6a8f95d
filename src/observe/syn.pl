# Asks a port whether it would take a connection, and takes none: the first packet of the handshake goes out and, as soon as it is
# answered, the kernel takes it back, so that the server never hears of it. Needs root. Arguments: ADDRESS PORT [SOON].
# Prints what came of it; ends with 0 (open), 1 (with the reason), or 77 where it can't be tried this way.
use strict; use warnings;
use Socket qw(:DEFAULT getaddrinfo inet_pton inet_ntop unpack_sockaddr_in6 pack_sockaddr_in6 AF_INET6 IPPROTO_TCP SOCK_RAW);
my ($name, $port, $soon) = @ARGV;
my @waits = $soon ? (0.3, 0.7) : (0.3, 0.7, 2);
my ($error, @found) = getaddrinfo($name, $port, {socktype => SOCK_STREAM, protocol => IPPROTO_TCP});
if ($error) { print "$error\n"; exit 1 }
my ($family, $to) = ($found[0]{family}, $found[0]{addr});
my $six = $family == AF_INET6;
my $pack = sub { $six ? pack_sockaddr_in6($_[0], $_[1]) : pack_sockaddr_in($_[0], $_[1]) };
my $unpack = sub { $six ? unpack_sockaddr_in6($_[0]) : unpack_sockaddr_in($_[0]) };
my (undef, $far) = $unpack->($to);
socket(my $way, $family, SOCK_DGRAM, 0) or exit 77;
unless (connect($way, $to)) { print "$!\n"; exit 1 }
my (undef, $near) = $unpack->(getsockname($way));
# Nobody else gets the port meanwhile.
socket(my $held, $family, SOCK_STREAM, 0) or exit 77;
bind($held, $pack->(0, $near)) or exit 77;
my ($own) = $unpack->(getsockname($held));
socket(my $raw, $family, SOCK_RAW, IPPROTO_TCP) or exit 77;
unless (connect($raw, $pack->(0, $far))) { print "$!\n"; exit 1 }
my $sequence = int(rand(4294967295));
my $segment = sub { pack('nnNNCCnnnCCn', $own, $port, $sequence, 0, 6 << 4, 2, 64240, $_[0], 0, 2, 4, 1460) };
my $head = $segment->(0);
my $sum = 0;
$sum += $_ for unpack('n*', $near . $far . pack('NN', 6, length $head) . $head);
$sum = ($sum & 0xffff) + ($sum >> 16) while $sum >> 16;
my $packet = $segment->(~$sum & 0xffff);
for my $wait (@waits) {
  unless (send($raw, $packet, 0)) { next if $!{ENOBUFS}; print "$!\n"; exit 1 }
  my $left = $wait;
  while ($left > 0) {
    my $bits = ''; vec($bits, fileno($raw), 1) = 1;
    (my $ready, $left) = select($bits, undef, undef, $left);
    last unless $ready > 0;
    my $answer = '';
    unless (defined recv($raw, $answer, 4096, 0)) { print "$!\n"; exit 1 }
    $answer = substr($answer, 4 * (ord($answer) & 15)) unless $six;
    next if length $answer < 14;
    my ($from, $at, undef, $ack, undef, $flags) = unpack('nnNNCC', $answer);
    next unless $from == $port && $at == $own && $ack == (($sequence + 1) & 0xffffffff);
    if ($flags & 4) { print "Connection refused\n"; exit 1 }
    if (($flags & 18) == 18) { exit 0 }
  }
}
print "no answer within " . ($soon ? "1 second" : "3 seconds") . "\n";
exit 1;
