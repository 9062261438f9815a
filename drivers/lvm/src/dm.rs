//! Device-mapper devices, by `dmsetup`.
