#!/bin/bash
# The first program of a machine. boot.rs writes it with the words in @..@ filled in, each quoted for the shell.
#
# The machine's root is the host's file tree, read-only, under an overlay in memory: whatever is written in /etc, /var or
# /dev is gone with the machine and never on the host. Only the folders of the workspace are the host's own, so that reports come out.
# An overlay also keeps what it has read: a tool's second start is quicker than from the host's tree.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
trap 'echo "ashlar-lab: $BASH_COMMAND failed"; sync; halt -f' ERR
set -eEu
kernel=$(uname -r)
if [ "${1-}" != inside ]; then
    mount -t proc proc /proc
    # For each device that comes or goes, this kernel starts a program which is not there.
    [ ! -e /proc/sys/kernel/hotplug ] || echo >/proc/sys/kernel/hotplug
    mount -t tmpfs -o size=90% memory /run
    mkdir -p /run/modules/lib/modules /run/root/{upper,work,root}
    ln -s "/usr/lib/uml/modules/$kernel" "/run/modules/lib/modules/$kernel"
    modprobe --dirname /run/modules overlay
    root=/run/root/root
    mount -t overlay -o lowerdir=/,upperdir=/run/root/upper,workdir=/run/root/work overlay "$root"
    for folder in @writable@; do mount -t hostfs -o "$folder" host "$root$folder"; done
    mkdir -p "$root"/{proc,sys,dev,run}
    mount -t proc proc "$root/proc"
    mount -t sysfs sys "$root/sys"
    mount -t devtmpfs dev "$root/dev"
    mount -t tmpfs -o size=90% memory "$root/run"
    exec chroot "$root" /bin/bash @script@ inside
fi
mkdir -p /dev/pts /dev/shm /run/lock/lvm /run/lock/iscsi /run/tmp /etc/iscsi /etc/lvm/{archive,backup} /var/lib/ashlar /lib/modules
# LVM goes through all that is in /dev, for each command: hundreds of terminals that nobody has.
find /dev -maxdepth 1 \( -name 'tty?*' -o -name 'pty?*' \) ! -name ttyS0 -delete
chmod 1777 /run/tmp
mount -t devpts devpts /dev/pts
mount -t tmpfs memory /dev/shm
rm -rf "/lib/modules/$kernel" /var/lib/iscsi /etc/iscsi/nodes /etc/iscsi/send_targets
ln -s "/usr/lib/uml/modules/$kernel" "/lib/modules/$kernel"
ip link set lo up
modprobe --all @modules@
mount -t configfs configfs /sys/kernel/config
echo InitiatorName=iqn.2026-01.io.ashlar.lab:machine >/etc/iscsi/initiatorname.iscsi
# There is no udev: what makes device nodes then is libdevmapper itself.
export DM_DISABLE_UDEV=1 TMPDIR=/run/tmp ASHLAR_LAB_MACHINE=@name@
iscsid </dev/null
stty --file=/dev/ttyS0 raw -echo
trap - ERR
set +e
# This shell stays the first process, which has to take in every process whose parent is gone.
@agent@ /dev/ttyS0
echo "ashlar-lab: the agent ended with $?"
sync
halt -f
