#!/bin/sh
# Stands between the driver and LVM's shell. Lines go to the real one, whose answers go straight to the driver; but the
# line that the file `next` speaks of goes wrong, once.
folder=@folder@
lvm=@lvm@
input="$folder/input.$$"
mkfifo "$input"
"$lvm" <"$input" &
exec 3>"$input"
rm "$input"

# The same question to a shell of its own, whose answer nobody gets whole.
ask() {
    printf '%s\n' "$1" | "$lvm" 3>&-
}

fault_of() {
    fault=
    if [ -e "$folder/lies" ]; then
        fault=lie
        return 0
    fi
    [ -e "$folder/next" ] || return 0
    read -r kind pattern <"$folder/next"
    case "$1" in
    $pattern*) mv "$folder/next" "$folder/spent" && fault=$kind ;;
    esac
}

while read -r line; do
    if [ -e "$folder/warns" ]; then
        i=0
        while [ $i -lt 200 ]; do
            echo 'WARNING: {"log":[{"log_type":"status"} File descriptor 7 leaked on lvm invocation.'
            i=$((i + 1))
        done >&2
    fi
    fault_of "$line"
    case "$fault" in
    "") printf '%s\n' "$line" >&3 ;;
    crash) kill -SEGV $$ ;;
    crash-late)
        ask "$line" >"$folder/unsaid" 2>&1
        kill -SEGV $$
        ;;
    lie)
        set -- $line
        printf '{"report":[{}],"log":[{"log_type":"status","log_context":"shell","log_object_name":"%s","log_ret_code":"1"}]}\n' "$1"
        ;;
    torn)
        ask "$line" 2>/dev/null | head -c 40
        break
        ;;
    hang)
        echo >"$folder/hangs"
        exec sleep 600
        ;;
    esac
done
exec 3>&-
wait
