# Looks at what a host's roles declare. Writes nothing, as long as their guards don't.
# Arguments: NONCE, then pairs of a part's name and its arguments, which are quoted. Before it stand the parts: a function
# look_NAME for each.
nonce=$1; shift
n=0
while [ $# -gt 1 ]; do
  part=$1 words=$2; shift 2
  printf '\n@@%s %s\n' "$nonce" "$n"
  n=$((n + 1))
  (eval "set -- $words" && "look_$part" "$@") </dev/null
done
printf '\n@@%s end\n' "$nonce"
