//! Where images come from and go to: a directory with `<id>.raw` and `<id>.qcow2`.
//!
//! What serves a single machine; Glance takes this place where there is one.

use std::{fs::File, io, path::PathBuf};

use crate::{
    driver::ImageFile,
    ids::{ImageId, OpId},
    image::{self, ImageFormat, ImageHeader},
};

/// Why an image cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Unusable {
    /// Its file cannot be read.
    #[error("its file cannot be read: {0}")]
    Read(#[from] io::Error),
    /// It is not what its name says, or refers to other files.
    #[error(transparent)]
    Image(#[from] image::ImageError),
}

/// A directory of images.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageStore {
    directory: PathBuf,
}

impl ImageStore {
    /// The images of this directory.
    #[must_use]
    pub fn new(directory: PathBuf) -> Self {
        Self { directory }
    }

    /// Where an image of that id and format is, or will be.
    #[must_use]
    pub fn file(&self, id: ImageId, format: ImageFormat) -> ImageFile {
        let suffix = match format {
            ImageFormat::Raw => "raw",
            ImageFormat::Qcow2 => "qcow2",
        };
        ImageFile { path: self.directory.join(format!("{id}.{suffix}")), format }
    }

    /// The image of that id, and what its header says; `None` if there is none.
    ///
    /// # Errors
    /// When the file cannot be read, or is not what its name says. Blocks for the read of a header.
    pub fn find(&self, id: ImageId) -> Result<Option<(ImageFile, ImageHeader)>, Unusable> {
        for format in [ImageFormat::Qcow2, ImageFormat::Raw] {
            let image = self.file(id, format);
            match File::open(&image.path) {
                Ok(file) => {
                    let header = image::inspect(&file, format)?;
                    return Ok(Some((image, header)));
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(None)
    }

    /// Files that operations have not finished, and perhaps never will: at most `limit`.
    ///
    /// # Errors
    /// When the directory cannot be read. Blocks.
    pub fn unfinished(&self, limit: usize) -> io::Result<Vec<(OpId, PathBuf)>> {
        let entries = match std::fs::read_dir(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let entry = entry?;
            if let Some(op) = entry.file_name().to_str().and_then(image::op_of_part) {
                found.push((op, entry.path()));
                if found.len() == limit {
                    break;
                }
            }
        }
        Ok(found)
    }

    /// Makes the directory where it is missing.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn prepare(&self) -> io::Result<()> {
        std::fs::create_dir_all(&self.directory)
    }
}
