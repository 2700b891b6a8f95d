# Looks at what users' roles declare. Writes nothing, as long as their guards don't.
# Arguments: NONCE, then pairs of a kind and a name.
LC_ALL=C; export LC_ALL
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin; export PATH
nonce=$1; shift
n=0
while [ $# -gt 1 ]; do
  kind=$1 name=$2; shift 2
  printf '\n@@%s %s %s\n' "$nonce" "$kind" "$n"
  n=$((n + 1))
  case $kind in
    file)
      if [ -f "$name" ]; then
        stat -c '%U %G %a' -- "$name"
        cat -- "$name"
      elif [ -e "$name" ]; then
        echo other
      else
        echo absent
      fi ;;
    package)
      if command -v dpkg-query >/dev/null 2>&1; then
        dpkg-query -W -f '${db:Status-Status}\n' -- "$name" 2>/dev/null || echo absent
      elif command -v rpm >/dev/null 2>&1; then
        rpm -q --quiet -- "$name" && echo installed || echo absent
      fi ;;
    service) systemctl show -p LoadState,ActiveState,UnitFileState -- "$name" 2>&1 ;;
    guard)
      sh -c "$name" >/dev/null 2>&1 </dev/null
      echo $? ;;
  esac
done
printf '\n@@%s end\n' "$nonce"
