# Loads new rules under a dead man's switch. Arguments: SECONDS UNDO-SCRIPT NEW-SCRIPT.
# The host undoes the change by itself unless it is confirmed in time.
set -u
umask 077
mkdir -p /run/tandem
printf '%s' "$2" >/run/tandem/firewall-undo.sh
printf '%s' "$3" >/run/tandem/firewall-new.sh
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  systemctl stop tandem-firewall-undo.timer 2>/dev/null
  systemctl reset-failed tandem-firewall-undo.service 2>/dev/null
  systemd-run --quiet --collect --unit=tandem-firewall-undo --on-active="$1" --timer-property=AccuracySec=100ms \
    /bin/sh /run/tandem/firewall-undo.sh || exit 1
else
  rm -f /run/tandem/firewall-confirmed
  nohup sh -c "sleep $1; [ -e /run/tandem/firewall-confirmed ] || sh /run/tandem/firewall-undo.sh" >/dev/null 2>&1 &
fi
sh /run/tandem/firewall-new.sh
