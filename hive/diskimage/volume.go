package diskimage

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// VolumeKind is what a volume holds, in words for people.
type VolumeKind string

// Kinds of volumes.
const (
	NTFSVolume    VolumeKind = "NTFS"
	BitLocker     VolumeKind = "a BitLocker volume"
	ReFS          VolumeKind = "ReFS"
	StorageSpaces VolumeKind = "a part of a storage pool (Storage Spaces)"
	DynamicDisk   VolumeKind = "a part of a dynamic disk (LDM)"
	FAT           VolumeKind = "FAT"
	ExFAT         VolumeKind = "exFAT"
	Ext           VolumeKind = "ext2, ext3 or ext4"
	UnknownVolume VolumeKind = "nothing that is known"
)

// Volume is a partition of an image and what it holds.
type Volume struct {
	Partition
	Kind  VolumeKind
	image *Image
}

// String names image and partition.
func (v *Volume) String() string {
	if v.Number == 0 {
		return v.image.path
	}
	return fmt.Sprintf("%s, partition %d", v.image.path, v.Number)
}

// Image is the image that the volume is in.
func (v *Volume) Image() *Image { return v.image }

// Volumes returns the volumes of an image in the order of its partition table,
// with the errors of Layout.
func (i *Image) Volumes() ([]*Volume, error) {
	layout, err := i.Layout()
	if err != nil {
		return nil, err
	}
	var volumes []*Volume
	for _, p := range layout.Partitions {
		kind, err := kindOfPartition(i.disk, p)
		if err != nil {
			return nil, fmt.Errorf("%s, partition %d: %w", i.path, p.Number, err)
		}
		volumes = append(volumes, &Volume{Partition: p, Kind: kind, image: i})
	}
	return volumes, nil
}

// kindByType are partitions whose type says that others have a share in what
// they hold, whatever their first sector looks like.
var kindByType = map[string]VolumeKind{
	fmt.Sprintf("0x%02x", typeDynamic):     DynamicDisk,
	"af9b60a0-1431-4f62-bc68-3311714a69ad": DynamicDisk, // LDM data
	"5808c8aa-7e8f-42e0-85d2-e1e90434cfb3": DynamicDisk, // LDM metadata
	"e75caf8f-f680-4cee-afa3-b001e56efc2d": StorageSpaces,
}

func kindOfPartition(disk Disk, p Partition) (VolumeKind, error) {
	if kind, ok := kindByType[p.Type]; ok {
		return kind, nil
	}
	return probe(disk, p.Offset, p.Length)
}

// kindOf tells what a boot sector belongs to.
func kindOf(sector []byte) VolumeKind {
	switch string(sector[3:11]) {
	case "NTFS    ":
		return NTFSVolume
	case "-FVE-FS-":
		return BitLocker
	case "ReFS\x00\x00\x00\x00":
		return ReFS
	case "EXFAT   ":
		return ExFAT
	}
	if !hasBootMark(sector) {
		return UnknownVolume
	}
	// BitLocker To Go has the boot sector of FAT, with its own mark.
	if string(sector[3:11]) == "MSWIN4.1" && guid(sector[0x1A8:0x1B8]) == bitLockerToGo {
		return BitLocker
	}
	if string(sector[54:57]) == "FAT" || string(sector[82:87]) == "FAT32" {
		return FAT
	}
	return UnknownVolume
}

const bitLockerToGo = "4967d63b-2e29-4ad8-8399-f6a339e3d001"

// The superblock of ext lies 1024 bytes into the volume.
const (
	extMagicOffset = 1024 + 56
	extMagic       = 0xEF53
)

// spacesMark begins the first sector of a disk in a storage pool.
const spacesMark = "SPACEDB "

// probe tells what the part of a disk that begins at off holds.
func probe(disk Disk, off, length int64) (VolumeKind, error) {
	sector, err := readSector(disk, off)
	if err != nil {
		return "", err
	}
	if kind := kindOf(sector); kind != UnknownVolume {
		return kind, nil
	}
	if string(sector[:len(spacesMark)]) == spacesMark {
		return StorageSpaces, nil
	}
	if length < extMagicOffset+2 {
		return UnknownVolume, nil
	}
	magic := make([]byte, 2)
	if _, err := disk.ReadAt(magic, off+extMagicOffset); err != nil && !errors.Is(err, io.EOF) {
		return "", err
	}
	if binary.LittleEndian.Uint16(magic) == extMagic {
		return Ext, nil
	}
	return UnknownVolume, nil
}
