# Notes how the host takes something back by itself. Arguments: RUN NAME CLIENT RECORD. Standard input: the option file
# for the client, a line `--`, then SQL. Exit status 3: the host has ended this run.
set -u
umask 077
dir=/run/tandem/run-$1 name=$2
[ -d "$dir/undo" ] || exit 3
at=$dir/undo/$name
: >"$at.cnf" && while IFS= read -r line && [ "$line" != -- ]; do printf '%s\n' "$line"; done >>"$at.cnf" || exit 1
printf '%s\n%s\n' "$3" "$4" >"$at.with" || exit 1
cat >"$at.new" && mv "$at.new" "$at.sql"
