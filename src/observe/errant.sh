# Decodes events from this host's binary logs. Writes nothing. Arguments: PROGRAM BASENAME RANGES, where
# RANGES are lines `DOMAIN-SERVER AFTER UP_TO`. Only the newest logs are read, and of them only so much.
LC_ALL=C; export LC_ALL
program=$1 basename=$2 ranges=$3
set --
total=0
for name in $(tail -n 20 "$basename.index" 2>/dev/null | sort -r); do
  file=${basename%/*}/${name##*/}
  size=$(wc -c <"$file" 2>/dev/null) || continue
  total=$((total + size))
  [ $# -gt 0 ] && [ "$total" -gt 67108864 ] && break
  set -- "$file" "$@"
done
[ $# -gt 0 ] || exit 0
"$program" --no-defaults --base64-output=decode-rows -v "$@" 2>/dev/null | ranges=$ranges awk '
BEGIN {
  n = split(ENVIRON["ranges"], lines, "\n")
  for (i = 1; i <= n; i++) { split(lines[i], f, " "); after[f[1]] = f[2] + 0; upto[f[1]] = f[3] + 0 }
}
/^#[0-9].*[ \t]GTID [0-9]+-[0-9]+-[0-9]+/ {
  match($0, /GTID [0-9]+-[0-9]+-[0-9]+/)
  id = substr($0, RSTART + 5, RLENGTH - 5)
  split(id, p, "-")
  writer = p[1] "-" p[2]
  on = (writer in after) && p[3] + 0 > after[writer] && p[3] + 0 <= upto[writer]
  if (on) { print "G " id; if (++shown > 20) exit }
  next
}
on && /^### / { print "S " substr($0, 5, 400); next }
on && /^[A-Za-z]/ && !/^(BEGIN|COMMIT|ROLLBACK|START |SET |use |DELIMITER)/ { print "S " substr($0, 1, 400) }
'
