//! Attachments: a device-mapper device each, and what leads to it.
