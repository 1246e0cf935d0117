# Sourced by serve and test: makes .venv in the checkout and installs what the lock pins.
# The stamp says for which lock and which extras it was last done, so that a second run is quick.

# Where pip is told of links that are not there, it says so hundreds of times; only that is left out.
install_pinned() {
  local python=$1
  shift
  {
    "$python" -m pip install --quiet --disable-pip-version-check \
      --constraint "$root/requirements.lock" "$@" 2>&1 >&3 |
      sed "/WARNING: Location 'file:.*' is ignored/d" >&2
  } 3>&1
}

ensure_installed() {
  local target=$1 venv=$root/.venv stamp wanted
  stamp=$venv/installed-for
  wanted="$(cat "$root/requirements.lock" "$root/pyproject.toml" | cksum) $root"
  if [ -x "$venv/bin/python" ] && grep -qxF "$target $wanted" "$stamp" 2>/dev/null; then
    return
  fi
  if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "Python 3.11 or newer is needed as python3" >&2
    exit 2
  fi
  if [ ! -x "$venv/bin/python" ]; then
    echo "Making a virtual environment in .venv"
    python3 -m venv "$venv"
    # The pip that comes with Python 3.11 takes `html_clean` and `html-clean`, an extra of lxml, for
    # two different names, and warns; a newer one knows that they are the same (PEP 685).
    install_pinned "$venv/bin/python" --upgrade pip
  fi
  echo "Installing what requirements.lock pins (a few minutes the first time)"
  # Torch first and by itself: a pinned version takes a CPU build where one can be had.
  install_pinned "$venv/bin/python" torch
  install_pinned "$venv/bin/python" --editable "$root$target"
  echo "$target $wanted" >> "$stamp"
}
