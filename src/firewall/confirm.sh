# Keeps the rules. Arguments: PERSIST (yes or no). With yes they are loaded again at boot.
set -u
if [ -d /run/systemd/system ]; then
  systemctl stop tandem-firewall-undo.timer 2>/dev/null
else
  : >/run/tandem/firewall-confirmed
fi
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
    systemctl daemon-reload
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
rm -f /run/tandem/firewall-undo.sh /run/tandem/firewall-new.sh
