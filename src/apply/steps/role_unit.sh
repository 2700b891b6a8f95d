# The record of the writer and its unit. Follows safe.sh; the last line of each script calls one of these.
set -e
LC_ALL=C; export LC_ALL
umask 077
at=/var/lib/tandem/role
unit=/etc/systemd/system/tandem-role.service
[ ! -d /var/lib/tandem ] || private_dir /var/lib/tandem

# put DIR: its files, and the unit among them, take the place of what is there.
put() {
  safe_place /etc/systemd/system
  systemctl disable -q tandem-role.service 2>/dev/null || :
  new_file "$unit.new" <"$1/unit"
  chmod 644 "$unit.new"
  rm "$1/unit"
  rm -rf "$at.old"
  [ ! -e "$at" ] || mv "$at" "$at.old"
  mv "$1" "$at"
  mv "$unit.new" "$unit"
  rm -rf "$at.old" "$at.away"
  sync
  systemctl daemon-reload
  systemctl enable -q tandem-role.service
  systemctl reset-failed tandem-role.service 2>/dev/null || :
}

# Puts the files of standard input beside the present ones, asks the others with them, and lets them count. Prints what the
# others have said; ends with 3 where that will not do.
record() {
  private_dir /var/lib/tandem
  rm -rf "$at.new"
  mkdir -m 700 "$at.new"
  out=/dev/null
  while IFS= read -r line; do
    case $line in
      '@@ '*) out=$at.new/${line#@@ }; : >"$out" ;;
      *) printf '%s\n' "$line" >>"$out" ;;
    esac
  done
  sh "$at.new/open.sh" check || { status=$?; rm -rf "$at.new"; exit $status; }
  put "$at.new"
}

# forget [aside]: takes the record and its unit away; put aside, its files stay beside their place.
forget() {
  if [ "$1" = aside ] && [ -d "$at" ] && [ -f "$unit" ]; then
    rm -rf "$at.away"
    cp "$unit" "$at/unit"
    mv "$at" "$at.away"
  else
    rm -rf "$at" "$at.away"
  fi
  if [ -e "$unit" ]; then
    safe_place /etc/systemd/system
    systemctl disable -q tandem-role.service
    rm -f "$unit"
  fi
  sync
  systemctl daemon-reload
  systemctl reset-failed tandem-role.service 2>/dev/null || :
}

# settle [back]: what was put aside counts again, or goes for good.
settle() {
  if [ -d "$at.away" ] && [ "$1" = back ] && [ ! -e "$at" ]; then
    put "$at.away"
  else
    rm -rf "$at.away"
  fi
}

