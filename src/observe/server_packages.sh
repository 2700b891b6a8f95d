# What there is of a database server, and what a package would bring. Arguments: PACKAGE.
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
    mysql-community-server 'percona-server-server*' "$1" 2>/dev/null
  # The cache is built in memory: to look at it must not write it.
  [ -n "$programs" ] ||
    apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy -- "$1" 2>/dev/null
elif command -v rpm >/dev/null 2>&1; then
  if command -v dnf >/dev/null 2>&1; then echo manager dnf
  elif command -v yum >/dev/null 2>&1; then echo manager yum
  fi
  rpm -q --qf 'package %{NAME} %{EVR} installed\n' -- mariadb-server MariaDB-server mysql-server mysql-community-server \
    percona-server-server "$1" 2>&1
fi
