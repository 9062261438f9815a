# Sends messages to a thin pool: `messages.py DEVICE create|delete FIRST COUNT`, each for one thin device of so many.
# Hundreds are needed, and `dmsetup message` is a program for each. The request is DM_TARGET_MSG of <linux/dm-ioctl.h>.
import fcntl, struct, sys

device, verb, first, count = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
verb = {"create": "create_thin", "delete": "delete"}[verb]
SIZE = 312  # of struct dm_ioctl
DM_TARGET_MSG = (3 << 30) | (SIZE << 16) | (0xFD << 8) | 14
with open("/dev/mapper/control", "rb") as control:
    for number in range(first, first + count):
        message = struct.pack("<Q", 0) + f"{verb} {number}".encode() + b"\0"
        whole = SIZE + len(message)
        head = struct.pack("<3I7IQ128s129s7s", 4, 0, 0, whole, SIZE, 0, 0, 0, 0, 0, 0, device.encode(), b"", b"")
        fcntl.ioctl(control, DM_TARGET_MSG, bytearray(head + message))
