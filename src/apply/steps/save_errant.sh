
# Saves transactions out of this host's binary logs: the whole logs that hold any of them, and `transactions.sql` with
# these alone, rows in words beside what the server reads. Prints the id of each.
set -u
umask 077
LC_ALL=C; export LC_ALL
program=$1 basename=$2 kind=$3 wanted=$4 directory=$5
private_dir /var/lib/tandem && private_dir "${directory%/*}" || exit 1
mkdir -- "$directory" || exit 1
cd -- "$directory" || exit 1
pick='
BEGIN {
  n = split(ENVIRON["wanted"], lines, "\n")
  for (i = 1; i <= n; i++) { split(lines[i], f, " "); after[f[1]] = f[2] + 0; upto[f[1]] = f[3] + 0 }
  mysql = (ENVIRON["kind"] == "mysql")
  head = 1
}
/^# at [0-9]+$/ { place = $0; next }
!mysql && /^#[0-9].*[ \t]GTID [0-9]+-[0-9]+-[0-9]+/ {
  head = 0
  match($0, /GTID [0-9]+-[0-9]+-[0-9]+/)
  id = substr($0, RSTART + 5, RLENGTH - 5)
  split(id, p, "-")
  writer = p[1] "-" p[2]
  on = (writer in after) && p[3] + 0 > after[writer] && p[3] + 0 <= upto[writer]
  if (on) print id >>"ids.new"
}
mysql && /^SET @@SESSION.GTID_NEXT= ?\047/ {
  head = 0
  split($0, q, "\047")
  on = (q[2] != "AUTOMATIC" && q[2] != "ANONYMOUS")
  if (on) print q[2] >>"ids.new"; else print
}
head || on { if (place != "") { print place; place = "" } print }
END { print "-- the end" }
'
: >ids && : >transactions.sql || exit 1
files=$(cat -- "$basename.index") || exit 1
IFS='
'
for name in $files; do
  unset IFS
  file=${basename%/*}/${name##*/}
  : >ids.new || exit 1
  set -- --no-defaults -v
  [ "$kind" = mysql ] && set -- "$@" --include-gtids="$wanted"
  { "$program" "$@" "$file"; echo $? >status; } | wanted=$wanted kind=$kind awk "$pick" >part.sql || exit 1
  [ "$(cat status)" = 0 ] || exit 1
  [ "$(tail -n 1 part.sql)" = "-- the end" ] || exit 1
  if [ -s ids.new ]; then
    cp -- "$file" "${file##*/}" && cmp -s -- "$file" "${file##*/}" || exit 1
    cat part.sql >>transactions.sql && cat ids.new >>ids || exit 1
  fi
done
rm -f status part.sql ids.new
sync ./* 2>/dev/null || sync || exit 1
cat ids
