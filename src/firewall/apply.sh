# Loads new rules under a dead man's switch. Arguments: SECONDS UNDO-SCRIPT NEW-SCRIPT. `listing` stands before this.
# The host undoes the change by itself unless it is confirmed in time. Whoever makes the directory firewall-decided first, the
# confirmation or the switch, has decided; the other one does nothing. The status tells what went wrong: nothing was loaded and
# the switch is not set (2), the new rules could not be loaded (1), or the switch came first (3).
set -u
umask 077
private_dir /run/tandem && cd /run/tandem || exit 2
rm -f firewall-before
printf '%s' "$2" >firewall-undo.sh && printf '%s' "$3" >firewall-new.sh &&
  printf '%s' 'mkdir /run/tandem/firewall-decided 2>/dev/null && sh /run/tandem/firewall-undo.sh' >firewall-switch.sh &&
  listing >firewall-before || exit 2
if [ -d /run/systemd/system ] && command -v systemd-run >/dev/null 2>&1; then
  systemctl stop tandem-firewall-undo.timer 2>/dev/null
  systemctl reset-failed tandem-firewall-undo.service 2>/dev/null
  rm -rf firewall-decided
  systemd-run --quiet --collect --unit=tandem-firewall-undo --on-active="$1" --timer-property=AccuracySec=100ms \
    /bin/sh /run/tandem/firewall-switch.sh || exit 2
else
  rm -rf firewall-decided
  nohup sh -c "sleep $1; sh /run/tandem/firewall-switch.sh" >/dev/null 2>&1 &
fi
sh firewall-new.sh || exit 1
# On a host that takes longer than that to load them, the switch came before the rules.
if [ -e firewall-decided ]; then
  sh firewall-undo.sh
  echo "loading the rules took longer than $1 seconds" >&2
  exit 3
fi
