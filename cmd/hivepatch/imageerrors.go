package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/edit"
	"hivepatch/hive/hivefile"
)

// imageRefusals are the errors of images in which nothing can be done safely.
var imageRefusals = []error{
	diskimage.ErrCorrupt, diskimage.ErrCompressed, diskimage.ErrEncrypted, diskimage.ErrSparse, diskimage.ErrResident,
	diskimage.ErrInUse, diskimage.ErrNoFolder, diskimage.ErrJournalExists,
	diskimage.ErrForeignJournal, diskimage.ErrDamagedJournal, diskimage.ErrImageChanged, diskimage.ErrReadBack, diskimage.ErrNoQEMU,
}

// isImageRefusal reports whether an error is one of an image, and not of the
// hive in it.
func isImageRefusal(err error) bool {
	return slices.ContainsFunc(imageRefusals, func(known error) bool { return errors.Is(err, known) }) ||
		errors.As(err, new(*diskimage.UnsupportedError)) || errors.As(err, new(*diskimage.VolumeKindError)) ||
		errors.As(err, new(*diskimage.DirtyVolumeError)) || errors.As(err, new(*diskimage.GrowError)) ||
		errors.As(err, new(*diskimage.LayoutError)) || errors.As(err, new(*diskimage.LayerError))
}

// imageHint says what can be done about an error of an image, or "".
func imageHint(err error) string {
	switch {
	case errors.As(err, new(*diskimage.GrowError)):
		return "-o FILE writes the new hive as a file; compact makes room in a hive for a change that follows it"
	case errors.Is(err, diskimage.ErrInUse):
		return "shut the virtual machine down that runs from it, or unmount it; for another hivepatch, commands that write wait longer with --wait SECONDS"
	case errors.Is(err, diskimage.ErrImageChanged):
		return "what has written to the image since is lost where the journal has old bytes: hivepatch rollback --force puts them back all the same, and removing the journal gives the old hive up"
	case errors.Is(err, diskimage.ErrForeignJournal):
		return "move it to the image that it is of, or away; --journal FILE names the one of this image"
	case errors.Is(err, diskimage.ErrJournalExists):
		return "hivepatch rollback rolls it back, and so does every command without --no-rollback that may write to the image"
	case errors.Is(err, diskimage.ErrNoQEMU):
		return "qemu-img convert -O raw makes a raw image of it, which is read without QEMU"
	case isOutside(err):
		return "--any-folder opens it all the same, if you trust the image"
	case errors.Is(err, diskimage.ErrNoFolder):
		return "--journal FILE names a file for it, on another disk"
	case errors.Is(err, diskimage.ErrResident):
		return "a file so short holds no hive; hivepatch locate lists what else there is"
	case errors.Is(err, diskimage.ErrCompressed), errors.Is(err, diskimage.ErrEncrypted), errors.Is(err, diskimage.ErrSparse):
		return "mount the volume, so that a driver of NTFS writes the file, and give the folder as TARGET"
	}
	if kind, ok := errors.AsType[*diskimage.VolumeKindError](err); ok && kind.Volume.Kind == diskimage.BitLocker {
		return "dislocker shows what is in it as an NTFS volume, which is read"
	}
	return imageFormatHint(err)
}

// isHalfWrittenInImage reports whether an error is that of a hive in an image
// whose write was interrupted, and whose journal is not where it was looked for.
func isHalfWrittenInImage(err error) bool {
	half, ok := errors.AsType[*hivefile.HalfWrittenError](err)
	return ok && strings.HasSuffix(half.Backup, diskimage.JournalSuffix)
}

// isOutside reports whether an image names a backing file that is not in its
// folder.
func isOutside(err error) bool {
	layer, ok := errors.AsType[*diskimage.LayerError](err)
	return ok && layer.Outside != ""
}

// imageFormatHint says how one gets at what is in an image that is not read.
func imageFormatHint(err error) string {
	unsupported, ok := errors.AsType[*diskimage.UnsupportedError](err)
	if !ok {
		return ""
	}
	switch path := unsupported.Path; unsupported.Format {
	case diskimage.WIM:
		return fmt.Sprintf("wimlib changes it: wimlib-imagex extract %s 1 /Windows/System32/config/SYSTEM --to-stdout | %s patch - -o SYSTEM, and then "+
			"wimlib-imagex update %s 1 --command 'add SYSTEM /Windows/System32/config/SYSTEM'", commandLine([]string{path}), programName, commandLine([]string{path}))
	case diskimage.EWF:
		return "ewfmount of libewf shows it as a raw image, which is read"
	}
	return ""
}

// explainImage says which image an error is about, unless it says that itself.
func explainImage(err error, path string) error {
	if errors.Is(err, diskimage.ErrNoTable) {
		return hinted(err, "TARGET is a hive file, the folder of a Windows, or the image of a disk or a volume")
	}
	if errors.Is(err, diskimage.ErrReadBack) {
		return fmt.Errorf("%s: %w", path, err)
	}
	return err
}

// whyDirty says why a volume was not cleanly shut down, without its name where
// that is known.
func whyDirty(err error) string {
	if dirty, ok := errors.AsType[*diskimage.DirtyVolumeError](err); ok {
		return dirty.Reason
	}
	return err.Error()
}

// explainDirtyVolume says what overrides the refusal of a volume that was not
// shut down.
func explainDirtyVolume(err error) error {
	dirty, ok := errors.AsType[*diskimage.DirtyVolumeError](err)
	if !ok {
		return err
	}
	return hinted(&edit.RefusedError{Reason: err.Error()}, "%s; --ignore-dirty-volume goes on all the same", dirty.Hint())
}
