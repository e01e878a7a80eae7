// Package diskimage finds Windows volumes in disk images and block devices, and
// the files in them, without mounting anything.
//
// It goes from an image to the disk that it holds, to the partitions of the
// disk, to a volume in a partition, and to a file in the volume: a file is a
// list of extents, the bytes of the disk that hold its content. Nothing here
// changes the structures of a file system; the bytes of a file can be changed
// where they lie, and the file keeps its size.
package diskimage
