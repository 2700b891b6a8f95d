# Decodes events from this host's binary logs. Writes nothing. Arguments: PROGRAM BASENAME KIND WANTED. KIND is
# `mariadb`, with lines `DOMAIN-SERVER AFTER UP_TO` in WANTED; `mysql`, with a set of GTIDs; or `own`, with a server id
# whose events without a GTID are looked for. Only the newest logs are read, and of them only so much. Prints lines
# `G ID`, below each `S` and what it did, and at the end `R` and how the program ended.
LC_ALL=C; export LC_ALL
program=$1 basename=$2 kind=$3 wanted=$4
limit=67108864
[ "$kind" = own ] && limit=16777216
set --
total=0
for name in $(tail -n 20 "$basename.index" 2>/dev/null | sort -r); do
  file=${basename%/*}/${name##*/}
  size=$(wc -c <"$file" 2>/dev/null) || { echo "R 13"; exit 0; }
  total=$((total + size))
  [ $# -gt 0 ] && [ "$total" -gt $limit ] && break
  set -- "$file" "$@"
done
[ $# -gt 0 ] || { echo "R 2"; exit 0; }
{
  for file in "$@"; do
    echo "#tandem-file ${file##*/}"
    case $kind in
      mysql) "$program" --no-defaults --base64-output=decode-rows -v --include-gtids="$wanted" "$file" 2>/dev/null ;;
      own) "$program" --no-defaults --base64-output=decode-rows -v --server-id="$wanted" "$file" 2>/dev/null ;;
      *) "$program" --no-defaults --base64-output=decode-rows -v "$file" 2>/dev/null ;;
    esac
    echo "#tandem-status $?"
  done
} | wanted=$wanted kind=$kind awk '
BEGIN {
  n = split(ENVIRON["wanted"], lines, "\n")
  for (i = 1; i <= n; i++) { split(lines[i], f, " "); after[f[1]] = f[2] + 0; upto[f[1]] = f[3] + 0 }
  kind = ENVIRON["kind"]
}
/^#tandem-file / { file = $2; on = 0; next }
/^#tandem-status / { if ($2 + 0 > worst) worst = $2 + 0; on = 0; next }
/^# at / { at = $3; next }
kind == "mariadb" && /^#[0-9].*[ \t]GTID [0-9]+-[0-9]+-[0-9]+/ {
  match($0, /GTID [0-9]+-[0-9]+-[0-9]+/)
  id = substr($0, RSTART + 5, RLENGTH - 5)
  split(id, p, "-")
  writer = p[1] "-" p[2]
  on = (writer in after) && p[3] + 0 > after[writer] && p[3] + 0 <= upto[writer]
  if (on) { print "G " id; if (++shown > 20) exit }
  next
}
kind != "mariadb" && /^SET @@SESSION.GTID_NEXT= ?\047/ {
  split($0, q, "\047")
  on = (q[2] != "AUTOMATIC")
  if (kind == "own") on = (q[2] == "ANONYMOUS")
  if (on) { print "G " (q[2] == "ANONYMOUS" ? file ":" at : q[2]); if (++shown > 20) exit }
  next
}
on && /^### / { print "S " substr($0, 5, 400); next }
on && /^[A-Za-z]/ && !/^(BEGIN|COMMIT|ROLLBACK|START |SET |use |DELIMITER)/ { print "S " substr($0, 1, 400) }
END { print "R " worst + 0 }
'
