# Takes the rules back at once, without waiting for the dead man's switch. `listing` stands before this. The status tells what
# was found afterwards: the rules are those from before (0), they are not (3), or the script that brings them back failed (1).
set -u
umask 077
cd /run/tandem 2>/dev/null || exit 0
[ -d /run/systemd/system ] && systemctl stop tandem-firewall-undo.timer 2>/dev/null
[ -e firewall-undo.sh ] || exit 3
status=0
sh firewall-undo.sh || status=1
if [ $status = 0 ]; then
  [ "$(cat firewall-before)" = "$(listing)" ] || status=3
fi
rm -f firewall-undo.sh firewall-new.sh firewall-switch.sh firewall-before
exit $status
