package main

import (
	"errors"
	"fmt"
	"io/fs"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/locate"
)

// imageReport is what locate found in an image. Its JSON form is a contract with
// scripts.
type imageReport struct {
	Target     string            `json:"target"`
	Format     diskimage.Format  `json:"format"`
	Size       int64             `json:"size"`   // of the disk in the image, in bytes
	Layers     []string          `json:"layers"` // files that QEMU makes the disk of, the active one first
	Table      diskimage.Table   `json:"table"`  // "MBR", "GPT" or "none"
	SectorSize int64             `json:"sector_size"`
	Partitions []partitionReport `json:"partitions"`
	Warnings   []string          `json:"warnings"`
}

// partitionReport is a partition, or a disk without any, and what it holds.
type partitionReport struct {
	Number  int                  `json:"number"` // 0 for a disk without partitions
	Offset  int64                `json:"offset"` // bytes
	Length  int64                `json:"length"` // bytes
	Type    string               `json:"type"`   // as the table has it, such as "0x07"
	Kind    diskimage.VolumeKind `json:"kind"`   // what it holds, such as "NTFS"
	Problem string               `json:"problem"`
	// Dirty says why the volume was not cleanly shut down, "" where it was.
	Dirty  string        `json:"dirty"`
	Volume *locateReport `json:"volume"` // null for what cannot be looked into
}

// locateInImage lists what there is in an image.
func locateInImage(env *environment, r *reporter, o locateOptions) error {
	image, err := openImage(env, o.path, o.which.image)
	if err != nil {
		return err
	}
	layout, err := image.Layout()
	if err != nil {
		return err
	}
	report := &imageReport{
		Target: o.path, Format: image.Format(), Size: image.Disk().Size(), Layers: []string{},
		Table: layout.Table, SectorSize: layout.SectorSize, Partitions: []partitionReport{}, Warnings: []string{},
	}
	for _, layer := range image.Layers() {
		report.Layers = append(report.Layers, layer.Path)
	}
	if layout.Warning != "" {
		report.Warnings = append(report.Warnings, layout.Warning)
	}
	if number := o.which.image.partition; number > 0 {
		if _, err := image.partition(number); err != nil {
			return err
		}
	}
	for _, v := range image.volumes {
		if number := o.which.image.partition; number > 0 && v.Number != number {
			continue
		}
		partition := image.look(env, v)
		if partition.Volume != nil {
			report.Warnings = append(report.Warnings, partition.Volume.Warnings...)
		}
		report.Partitions = append(report.Partitions, partition)
	}
	return tellLocate(r, report, report.Warnings, func() { report.print(r) })
}

// look looks into one partition.
func (i *openedImage) look(env *environment, v *diskimage.Volume) partitionReport {
	p := partitionReport{Number: v.Number, Offset: v.Offset, Length: v.Length, Type: v.Type, Kind: v.Kind}
	if v.Kind != diskimage.NTFSVolume {
		return p
	}
	volume, err := i.open(v)
	if err != nil {
		p.Problem = err.Error()
		return p
	}
	p.Volume = newLocateReport(env, volume)
	if err := volume.inImage.ntfs.CheckClean(); err != nil {
		p.Dirty = whyDirty(err)
		p.Volume.keepOut("the volume was not cleanly shut down")
	}
	if p.Volume.Hibernation != nil {
		p.Volume.keepOut("Windows is hibernated, or may be")
	}
	return p
}

// keepOut says why no hive of the volume can be written in place.
func (l *locateReport) keepOut(why string) {
	for i := range l.Hives {
		if hive := &l.Hives[i]; hive.Problem == "" && hive.WhyNotInPlace == "" {
			hive.WhyNotInPlace = why
		}
	}
}

// whyNotInPlace says why a hive cannot be written where it lies in an image, ""
// where it can.
func (v *windowsVolume) whyNotInPlace(c *locate.Candidate) string {
	if v.inImage == nil || c.Err != nil {
		return ""
	}
	if _, err := v.inImage.ntfs.Map(c.Path); err != nil {
		return causeOf(err)
	}
	return ""
}

// causeOf is the text of an error without the path in it.
func causeOf(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		return at.Err.Error()
	}
	return err.Error()
}

func (i *imageReport) print(r *reporter) {
	r.line("image:       %s, %s, a disk of %d bytes, %s", i.Target, i.Format, i.Size, i.tableText())
	for n, layer := range i.Layers {
		if n > 0 {
			r.line("stands on:   %s, which is only read", layer)
		}
	}
	for _, p := range i.Partitions {
		r.line("")
		what := string(p.Kind)
		if p.Type != "" {
			what += ", type " + p.Type
		}
		if p.Number > 0 {
			r.line("%-12s %d bytes at %d, %s", fmt.Sprintf("partition %d:", p.Number), p.Length, p.Offset, what)
		} else {
			r.line("volume:      %d bytes, %s", p.Length, what)
		}
		p.print(r)
	}
}

func (i *imageReport) tableText() string {
	if i.Table == diskimage.NoTable {
		return "no partition table"
	}
	return fmt.Sprintf("%s with sectors of %d bytes", i.Table, i.SectorSize)
}

func (p *partitionReport) print(r *reporter) {
	switch {
	case p.Problem != "":
		r.line("problem:     %s", p.Problem)
	case p.Volume == nil:
	case len(p.Volume.Hives) == 0:
		r.line("hives:       none")
	default:
		shut := "cleanly"
		if p.Dirty != "" {
			shut = "NOT CLEANLY: " + p.Dirty
		}
		r.line("shut down:   %s", shut)
		printLocate(r, p.Volume)
	}
}
