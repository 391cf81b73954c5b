#!/bin/bash
# Record the desktop captures under tests/data/captures/gtk-demo anew (Debian packages: xvfb xauth
# at-spi2-core gir1.2-atspi-2.0 gir1.2-gtk-3.0 python3-gi dbus dbus-x11 openbox).
set -eu
here=$(cd "$(dirname "$0")" && pwd)
into=${1:-$here/../tests/data/captures/gtk-demo}
mkdir -p "$into"
if [ "${RECORDING:-}" != inside ]; then
    export RECORDING=inside NO_AT_BRIDGE=0 GTK_A11Y=atspi GTK_THEME=Adwaita GSETTINGS_BACKEND=memory
    export LC_ALL=C.UTF-8 LIBGL_ALWAYS_SOFTWARE=1
    exec xvfb-run -a -s '-screen 0 1280x800x24' dbus-run-session -- "$0" "$into"
fi
/usr/libexec/at-spi-bus-launcher --launch-immediately &
bus=$!
openbox &
manager=$!
trap 'kill $manager $bus' EXIT
for state in list edit; do
    /usr/bin/python3 "$here/recording/gtk_demo.py" "$state" &
    program=$!
    /usr/bin/python3 "$here/capture_atspi.py" --application stock-desk --wait 20 \
        --output "$into/$state.json"
    kill $program
    wait $program || true
done
