# Prints every rule of the packet filter without its counters, to tell one moment from another. Reads only.
listing() {
  if command -v nft >/dev/null 2>&1; then nft -s list ruleset 2>/dev/null || echo "nft: status $?"; fi
  for save in iptables-save ip6tables-save; do
    ! command -v $save >/dev/null 2>&1 || $save 2>/dev/null | sed -e '/^#/d' -e 's/ \[[0-9]*:[0-9]*\]$//'
  done
  if command -v firewall-cmd >/dev/null 2>&1 && firewall-cmd -q --state 2>/dev/null; then
    for scope in '' --permanent; do firewall-cmd $scope --list-rich-rules 2>/dev/null || echo "firewalld: status $?"; done
  fi
  if command -v ufw >/dev/null 2>&1; then ufw status 2>/dev/null || echo "ufw: status $?"; fi
}
