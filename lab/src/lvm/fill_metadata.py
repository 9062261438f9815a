"""fill_metadata.py POOL FIRST MOST: has the thin pool POOL make empty volumes until it refuses. Each takes a block of metadata.

It is here since `dmsetup message` takes 0.1 s for each, of some 450, and Rust has no such call without unsafe code."""
import fcntl
import struct
import sys

DM_TARGET_MSG = 3 << 30 | 312 << 16 | 0xFD << 8 | 14  # _IOWR(DM_IOCTL, DM_TARGET_MSG_CMD, struct dm_ioctl)
HEAD = "=3I7IQ128s129s7x"  # struct dm_ioctl
pool, first, most = sys.argv[1].encode(), int(sys.argv[2]), int(sys.argv[3])
with open("/dev/mapper/control", "rb+", buffering=0) as control:
    for number in range(first, first + most):
        message = struct.pack("=Q", 0) + b"create_thin %d\0" % number
        head = struct.pack(HEAD, 4, 0, 0, 16384, 312, 0, 0, 0, 0, 0, 0, pool, b"")
        try:
            fcntl.ioctl(control, DM_TARGET_MSG, bytearray((head + message).ljust(16384, b"\0")))
        except OSError as error:
            sys.exit(f"{number - first} volumes, then: {error}")
