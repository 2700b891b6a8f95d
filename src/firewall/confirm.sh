# Keeps the rules. Arguments: PERSIST (yes or no) and the server's unit. With yes they are loaded again at boot, before the server.
set -u
umask 077
if ! mkdir /run/tandem/firewall-decided 2>/dev/null; then
  echo "too late: the host has taken the rules back by itself" >&2
  exit 3
fi
[ ! -d /run/systemd/system ] || systemctl stop tandem-firewall-undo.timer 2>/dev/null
unit=/etc/systemd/system/tandem-firewall.service
drop_in=/etc/systemd/system/nftables.service.d
if [ "$1" = yes ]; then
  mkdir -p /etc/tandem || exit 1
  cp /run/tandem/firewall-new.sh /etc/tandem/firewall.sh.new && sync /etc/tandem/firewall.sh.new 2>/dev/null
  [ "$(cat /run/tandem/firewall-new.sh)" = "$(cat /etc/tandem/firewall.sh.new)" ] && mv /etc/tandem/firewall.sh.new /etc/tandem/firewall.sh || exit 1
  if [ -d /run/systemd/system ]; then
    servers="mariadb.service mysql.service mysqld.service"
    case " $servers " in *" ${2:-} "*) ;; *) servers="$servers ${2:-}" ;; esac
    cat >$unit.new <<END
[Unit]
Description=Packet filter rules for the peers of replication
After=nftables.service netfilter-persistent.service
PartOf=nftables.service
Before=$servers

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/sh /etc/tandem/firewall.sh

[Install]
WantedBy=multi-user.target
END
    chmod 644 $unit.new && [ -s $unit.new ] && mv $unit.new $unit || exit 1
    # It flushes everything when it loads its own rules, at a start and at a reload.
    mkdir -p $drop_in && cat >$drop_in/tandem.conf <<END
[Service]
ExecStartPost=-/bin/sh /etc/tandem/firewall.sh
ExecReload=-/bin/sh /etc/tandem/firewall.sh
END
    [ -s $drop_in/tandem.conf ] || exit 1
    # This reads the units anew by itself, and on a slow host that takes many seconds.
    systemctl enable --quiet tandem-firewall.service || exit 1
  fi
else
  if [ -e $unit ]; then
    systemctl disable --quiet tandem-firewall.service || exit 1
    rm -f $unit $drop_in/tandem.conf && systemctl daemon-reload || exit 1
    rmdir $drop_in 2>/dev/null
  fi
  rm -f /etc/tandem/firewall.sh || exit 1
fi
rm -f /run/tandem/firewall-undo.sh /run/tandem/firewall-new.sh /run/tandem/firewall-switch.sh /run/tandem/firewall-before
