# Reads the packet filter; part of the host script, which defines `section` and `show`. Writes nothing.
section fw-active
if command -v firewall-cmd >/dev/null 2>&1 && systemctl is-active -q firewalld; then
  echo firewalld
elif [ -r /etc/ufw/ufw.conf ] && grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then
  echo ufw
fi
command -v nft >/dev/null 2>&1 && echo nft
command -v iptables-save >/dev/null 2>&1 && echo iptables
section fw-firewalld
if command -v firewall-cmd >/dev/null 2>&1 && systemctl is-active -q firewalld; then
  firewall-cmd --list-rich-rules
  firewall-cmd --permanent --list-rich-rules | sed 's/^/permanent /'
fi
section fw-ufw
[ -r /etc/ufw/ufw.conf ] && grep -q '^ENABLED=yes' /etc/ufw/ufw.conf && ufw status 2>&1
section fw-nft
ruleset=$(nft -j list ruleset 2>&1)
printf '%s\n' "$ruleset"
section fw-iptables
# Rules of iptables stand either in tables of this name or in the kernel's older filter, which lists its tables.
rules=look
case $ruleset in
  *'"filter"'*) ;;
  '{"nftables"'*)
    rules=
    for names in /proc/net/ip_tables_names /proc/net/ip6_tables_names; do
      [ ! -r $names ] || while read -r name; do rules=$name; done <$names
    done ;;
esac
for save in iptables-save ip6tables-save; do
  [ -n "$rules" ] && command -v $save >/dev/null 2>&1 && echo "# $save" && $save -t filter 2>/dev/null
done
section fw-own
show /etc/tandem/firewall.sh
section fw-unit
[ -e /etc/systemd/system/multi-user.target.wants/tandem-firewall.service ] && echo enabled
