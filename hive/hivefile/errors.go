package hivefile

import "errors"

// ErrExists is returned when the output is there already, or appeared while it
// was being saved, and SaveOptions.Overwrite does not allow to replace it.
var ErrExists = errors.New("output exists already")

// ErrIsInput is returned when the output is one of the files that were read,
// however it is spelled. No option allows that.
var ErrIsInput = errors.New("output is the input itself")

// ErrNotRegular is returned when the input or output is a folder, a device, a
// pipe, or anything else that is no regular file; for an output also when it is
// a symbolic link.
var ErrNotRegular = errors.New("not a regular file")

// ErrTooLarge is returned when a file or stream is longer than MaxSize.
var ErrTooLarge = errors.New("too large for a hive or its log")

// ErrChanged is returned when the size or the modification time of a file is
// not the same after reading as before: what was read may be a mixture.
var ErrChanged = errors.New("file changed while it was read")

// ErrInUse is returned on Windows when another program has the file open and
// does not share it; a hive that is loaded by the running Windows is such a
// file.
var ErrInUse = errors.New("this hive is in use by the running Windows")

// ErrAmbiguousLog is returned when two files that differ in case alone could
// be the same log of a hive.
var ErrAmbiguousLog = errors.New("two files could be the same log")
