# Reads the packet filter; part of the host script, which defines `section` and `show`. Writes nothing.
# What a tool prints on standard error says nothing; its status does.
section fw-active
firewall_tool=
if command -v firewall-cmd >/dev/null 2>&1 && systemctl is-active -q firewalld; then
  firewall_tool=firewalld
elif [ -r /etc/ufw/ufw.conf ] && grep -q '^ENABLED=yes' /etc/ufw/ufw.conf; then
  firewall_tool=ufw
fi
[ -z "$firewall_tool" ] || echo $firewall_tool
command -v nft >/dev/null 2>&1 && echo nft
command -v iptables-save >/dev/null 2>&1 && echo iptables
section fw-firewalld
listing=
if [ "$firewall_tool" = firewalld ]; then
  { firewall-cmd --list-rich-rules && lasting=$(firewall-cmd --permanent --list-rich-rules); } 2>/dev/null || listing='firewall-cmd --list-rich-rules'
  [ -n "$listing" ] || printf '%s\n' "$lasting" | sed '/./s/^/permanent /'
fi
section fw-ufw
if [ "$firewall_tool" = ufw ]; then ufw status 2>/dev/null || listing='ufw status'; fi
section fw-nft
ruleset=
if command -v nft >/dev/null 2>&1; then
  ruleset=$(nft -j list ruleset 2>/dev/null) || ruleset=$(nft -j list ruleset 2>&1)
fi
printf '%s\n' "$ruleset"
section fw-iptables
# Rules of iptables stand either in tables of these names or in the kernel's older filter, which lists its tables.
rules=look
case $ruleset in
  *'"filter"'* | *'"raw"'* | *'"mangle"'* | *'"security"'*) ;;
  '{"nftables"'*)
    rules=
    for names in /proc/net/ip_tables_names /proc/net/ip6_tables_names; do
      [ ! -r $names ] || while read -r name; do rules=$name; done <$names
    done ;;
esac
for save in iptables-save ip6tables-save; do
  if [ -n "$rules" ] && command -v $save >/dev/null 2>&1; then
    echo "# $save"
    $save 2>/dev/null | grep -v '^#'
  fi
done
section fw-own
show /etc/tandem/firewall.sh
section fw-unit
if [ -e /etc/systemd/system/multi-user.target.wants/tandem-firewall.service ]; then
  echo enabled
  show /etc/systemd/system/tandem-firewall.service
fi
section fw-failed
[ -z "$listing" ] || echo "$listing"
