# own_sshd: prints the process of sshd that serves this connection, and when that process began.
own_sshd() (
  at=$$
  while [ "$at" -gt 1 ] && IFS= read -r stat <"/proc/$at/stat"; do
    name=${stat#*\(}
    # shellcheck disable=SC2086
    set -- ${stat##*) }
    case $name in sshd* | dropbear*) echo "$at ${20}"; exit 0 ;; esac
    at=$2
  done
)
