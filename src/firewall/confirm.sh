# Keeps the rules. Arguments: PERSIST (yes or no). With yes they are loaded again at boot.
set -u
if ! mkdir /run/tandem/firewall-decided 2>/dev/null; then
  echo "too late: the host has taken the rules back by itself" >&2
  exit 1
fi
[ ! -d /run/systemd/system ] || systemctl stop tandem-firewall-undo.timer 2>/dev/null
if [ "$1" = yes ]; then
  mkdir -p /etc/tandem
  cp /run/tandem/firewall-new.sh /etc/tandem/firewall.sh.new && mv /etc/tandem/firewall.sh.new /etc/tandem/firewall.sh
  if [ -d /run/systemd/system ]; then
    cat >/etc/systemd/system/tandem-firewall.service <<'END'
[Unit]
Description=Packet filter rules for the peers of replication
After=nftables.service netfilter-persistent.service
PartOf=nftables.service
Before=mariadb.service mysql.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/tandem/firewall.sh

[Install]
WantedBy=multi-user.target
END
    # This reads the units anew by itself, and on a slow host that takes many seconds.
    systemctl enable --quiet tandem-firewall.service
  fi
else
  if [ -e /etc/systemd/system/tandem-firewall.service ]; then
    systemctl disable --quiet tandem-firewall.service
    rm -f /etc/systemd/system/tandem-firewall.service
    systemctl daemon-reload
  fi
  rm -f /etc/tandem/firewall.sh
fi
rm -f /run/tandem/firewall-undo.sh /run/tandem/firewall-new.sh /run/tandem/firewall-switch.sh
