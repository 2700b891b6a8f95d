# Installs packages. Arguments: what to install, as the package manager names it.
# What the package manager says goes to standard error, and only where it fails.
set -u
LC_ALL=C; export LC_ALL
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
if command -v apt-get >/dev/null 2>&1; then
  # Nobody is there to answer, and no other service may be restarted on the way.
  export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l
  install() {
    apt-get install -y -qq --no-install-recommends --no-remove --no-upgrade -o DPkg::Lock::Timeout=120 \
      -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold -- "$@" >/dev/null 2>"$work/install" </dev/null
  }
  install "$@" && exit 0
  # A run that was cut off has left something half done.
  if grep -q 'dpkg was interrupted' "$work/install"; then
    dpkg --force-confdef --force-confold --configure -a >/dev/null 2>>"$work/install" </dev/null
    install "$@" && exit 0
  fi
  : >"$work/update"
  if ! grep -q 'Could not get lock' "$work/install"; then
    # The lists may be old, or were never fetched. For their lock apt does not wait.
    n=0
    until apt-get update -qq >/dev/null 2>"$work/update"; do
      n=$((n + 1))
      { grep -q 'Could not get lock' "$work/update" && [ $n -lt 60 ]; } || break
      sleep 2
    done
    install "$@" && exit 0
  fi
  cat "$work/update" "$work/install" >&2
  exit 1
fi
for manager in dnf yum; do
  command -v $manager >/dev/null 2>&1 || continue
  $manager install -y -q --setopt=install_weak_deps=False -- "$@" >/dev/null 2>"$work/install" </dev/null && exit 0
  # A source that may be skipped is skipped without a word when it does not answer, and its packages are not found. yum has
  # none such unless told so, and would fetch far more than its lists here.
  if [ $manager = dnf ] && grep -q -e 'No match for argument' -e 'Unable to find a match' "$work/install"; then
    dnf -q makecache '--setopt=*.skip_if_unavailable=0' >/dev/null 2>>"$work/install" </dev/null
  fi
  cat "$work/install" >&2
  exit 1
done
echo 'neither apt-get nor dnf nor yum is there' >&2
exit 1
