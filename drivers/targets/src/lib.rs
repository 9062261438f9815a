//! Block devices of this machine as targets for others: iSCSI by LIO, NVMe over TCP by nvmet, both written into configfs.
