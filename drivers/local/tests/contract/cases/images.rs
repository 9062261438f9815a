//! Images in and out.

use std::{fs, path::PathBuf};

use ashlar_common::{
    driver::{ImageFile, Kind},
    image::ImageFormat,
};

use crate::bench::{
    Bench, SIZE, assert_changed, assert_kind, assert_same, assert_unchanged, create, create_full, ctx, listed, names,
    pattern, read, spec, write,
};

fn image(bench: &Bench, name: &str, format: ImageFormat) -> ImageFile {
    ImageFile { path: bench.lab.beside(name), format }
}

/// image.1, image.5
pub(crate) async fn raw_and_qcow2_come_back_as_they_went(bench: &Bench) {
    let driver = bench.driver();
    // Data, then a hole, then data.
    let volume = create(driver, SIZE * 2).await;
    write(driver, &volume, 0, &pattern(1, SIZE / 2)).await;
    write(driver, &volume, SIZE + 4096, &pattern(2, SIZE / 4)).await;
    let content = read(driver, &volume).await;
    for (name, format) in [("out.raw", ImageFormat::Raw), ("out.qcow2", ImageFormat::Qcow2)] {
        let image = image(bench, name, format);
        fs::write(&image.path, b"an older one").expect("written");
        assert_changed(&driver.copy_volume_to_image(&ctx(), &volume, &image).await.expect("written out"));
        if format == ImageFormat::Raw {
            assert_same(&fs::read(&image.path).expect("read"), &content);
        }
        let copy = spec(SIZE * 2);
        assert_changed(&driver.copy_image_to_volume(&ctx(), &copy, &image).await.expect("read in"));
        assert_unchanged(&driver.copy_image_to_volume(&ctx(), &copy, &image).await.expect("again"));
        assert_same(&read(driver, &copy.volume).await, &content);
        assert_kind(driver.create(&ctx(), &copy).await, Kind::Conflict);
    }
    let files: Vec<PathBuf> = names(&bench.lab.beside("")).into_iter().map(PathBuf::from).collect();
    assert!(files.iter().filter(|name| name.to_string_lossy().contains("out")).count() == 2, "{files:?}");
    let absent = spec(SIZE).volume;
    assert_kind(
        driver.copy_volume_to_image(&ctx(), &absent, &image(bench, "no", ImageFormat::Raw)).await,
        Kind::NotFound,
    );
}

/// image.1
pub(crate) async fn image_smaller_than_the_volume_ends_in_zeros(bench: &Bench) {
    let driver = bench.driver();
    let image = image(bench, "small", ImageFormat::Raw);
    let mut content = pattern(1, 1 << 20);
    fs::write(&image.path, &content).expect("written");
    let spec = spec(SIZE);
    driver.copy_image_to_volume(&ctx(), &spec, &image).await.expect("read in");
    content.resize(usize::try_from(SIZE).expect("small"), 0);
    assert_same(&read(driver, &spec.volume).await, &content);
}

/// image.3
pub(crate) async fn image_larger_than_the_volume_is_refused(bench: &Bench) {
    let driver = bench.driver();
    let (volume, _) = create_full(driver, 1).await;
    for (name, format) in [("large.raw", ImageFormat::Raw), ("large.qcow2", ImageFormat::Qcow2)] {
        let image = image(bench, name, format);
        driver.copy_volume_to_image(&ctx(), &volume, &image).await.expect("written out");
        assert_kind(driver.copy_image_to_volume(&ctx(), &spec(SIZE - 512), &image).await, Kind::Invalid);
    }
    assert_eq!(listed(driver).await.0, vec![volume.id]);
}

/// image.2
pub(crate) async fn image_that_is_something_else_is_refused(bench: &Bench) {
    let driver = bench.driver();
    let (volume, _) = create_full(driver, 1).await;
    let mut image = image(bench, "lies", ImageFormat::Qcow2);
    driver.copy_volume_to_image(&ctx(), &volume, &image).await.expect("written out");
    image.format = ImageFormat::Raw;
    assert_kind(driver.copy_image_to_volume(&ctx(), &spec(SIZE * 2), &image).await, Kind::Invalid);
    fs::write(&image.path, pattern(1, 4096)).expect("written");
    image.format = ImageFormat::Qcow2;
    assert_kind(driver.copy_image_to_volume(&ctx(), &spec(SIZE), &image).await, Kind::Invalid);
    assert_eq!(listed(driver).await.0, vec![volume.id]);
}

/// image.4
pub(crate) async fn progress_of_an_image_is_reported(bench: &Bench) {
    let driver = bench.driver();
    let image = image(bench, "progress", ImageFormat::Raw);
    fs::write(&image.path, pattern(1, SIZE)).expect("written");
    let context = ctx();
    let progress = context.watch_progress();
    driver.copy_image_to_volume(&context, &spec(SIZE), &image).await.expect("read in");
    assert_eq!(progress.borrow().percent(), 100);
}
