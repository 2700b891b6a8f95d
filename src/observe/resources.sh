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
      # What another user may exchange is neither read nor written as root.
      if [ -d "${name%/*}/" ] && ! why=$(safe_place "${name%/*}/" 2>&1); then
        printf 'unsafe\n%s\n' "$why"
      elif [ -f "$name" ] && [ "$(stat -L -c %s -- "$name")" -gt 16777216 ]; then
        echo large
      elif [ -f "$name" ]; then
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
    server)
      programs=$(for p in mariadbd mysqld /usr/libexec/mariadbd /usr/libexec/mysqld; do command -v "$p"; done)
      [ -z "$programs" ] || printf 'program %s\n' $programs
      # Option files outlive a server that was removed, and may name another directory for its data.
      named=$(sed -n 's/^[[:space:]]*datadir[[:space:]]*=[[:space:]]*//p' /etc/my.cnf /etc/my.cnf.d/*.cnf /etc/mysql/*.cnf \
        /etc/mysql/*/*.cnf 2>/dev/null)
      for data in /var/lib/mysql $named; do
        { [ ! -e "$data/ibdata1" ] && [ ! -e "$data/mysql" ]; } || echo data "$data"
      done
      if command -v dpkg-query >/dev/null 2>&1; then
        echo manager apt
        dpkg-query -W -f 'package ${Package} ${Version} ${db:Status-Status}\n' -- 'mariadb-server*' 'mysql-server*' \
          mysql-community-server 'percona-server-server*' "$name" 2>/dev/null
        # The cache is built in memory: to look at it must not write it.
        [ -n "$programs" ] ||
          apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy -- "$name" 2>/dev/null
      elif command -v rpm >/dev/null 2>&1; then
        if command -v dnf >/dev/null 2>&1; then echo manager dnf
        elif command -v yum >/dev/null 2>&1; then echo manager yum
        fi
        rpm -q --qf 'package %{NAME} %{EVR} installed\n' -- mariadb-server MariaDB-server mysql-server mysql-community-server \
          percona-server-server "$name" 2>&1
      fi ;;
    service) systemctl show -p LoadState,ActiveState,UnitFileState -- "$name" 2>&1 ;;
    guard)
      sh -c "$name" >/dev/null 2>&1 </dev/null
      echo $? ;;
  esac
done
printf '\n@@%s end\n' "$nonce"
