package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"github.com/stretchr/testify/require"

	"hivepatch/hive/diskimage"
	"hivepatch/hive/diskimage/imagetest"
	"hivepatch/hive/hivefile"
	"hivepatch/hive/hivetest"
	"hivepatch/hive/locate"
)

// TestImageScripts runs the program on images of disks, which others than it
// have made. It is skipped where their programs are missing.
func TestImageScripts(t *testing.T) {
	images := buildImages(t)
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/image",
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("SOURCE_DATE_EPOCH", "")
			return nil
		},
		Condition: func(name string) (bool, error) {
			_, err := exec.LookPath(name)
			if err != nil && os.Getenv("HIVEPATCH_REQUIRE_PEERS") == "1" {
				return false, err
			}
			return err == nil, nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"image": func(ts *testscript.TestScript, neg bool, args []string) {
				name, file := twoArguments(ts, neg, args, "image NAME FILE")
				if images[name] == nil {
					ts.Fatalf("no image %q", name)
				}
				write(ts, file, images[name])
			},
			"hive":      scriptHive,
			"exits":     scriptExits,
			"same":      scriptSame,
			"folder":    scriptFolder,
			"wim":       scriptWIM,
			"interrupt": scriptInterrupt,
			"overwrite": scriptOverwrite,
		},
	})
}

const imageVolumeSize = 8 << 20

// buildImages makes the images by the names that scripts use.
func buildImages(t *testing.T) map[string][]byte {
	t.Helper()
	windows10, nt4 := hivetest.Windows10().Build().Data, hivetest.NT4().Build().Data
	exotic, dirty := hivetest.Exotic().Build().Data, hivetest.DirtyWindows10()
	const config = "Windows/System32/config/"
	system := []imagetest.File{{Path: config + "SYSTEM", Data: windows10}, {Path: config + "SYSTEM.LOG1"}}
	volume := func(files ...imagetest.File) imagetest.Volume {
		return imagetest.Volume{Size: imageVolumeSize, Files: files}
	}
	hibernated := make([]byte, 8192)
	copy(hibernated, "HIBR")
	specs := map[string]imagetest.Spec{
		"volume": {Table: imagetest.None, Volumes: []imagetest.Volume{volume(append(system, imagetest.File{Path: "Users/Bob/NTUSER.DAT", Data: exotic})...)}},
		"disk":   {Table: imagetest.MBR, Volumes: []imagetest.Volume{volume(imagetest.File{Path: "readme.txt", Data: []byte("no Windows here")}), volume(system...)}},
		"two": {Table: imagetest.GPT, Volumes: []imagetest.Volume{
			volume(system...), volume(imagetest.File{Path: "WINNT/system32/config/system", Data: nt4}),
		}},
		"dirty": {Table: imagetest.MBR, Volumes: []imagetest.Volume{volume(
			imagetest.File{Path: config + "SYSTEM", Data: dirty.Primary},
			imagetest.File{Path: config + "SYSTEM.LOG1", Data: dirty.Log1}, imagetest.File{Path: config + "SYSTEM.LOG2", Data: dirty.Log2})}},
		"hibernated": {Table: imagetest.None, Volumes: []imagetest.Volume{volume(append(system, imagetest.File{Path: "hiberfil.sys", Data: hibernated})...)}},
	}
	images := map[string][]byte{}
	for name, spec := range specs {
		data, err := os.ReadFile(imagetest.Build(t, spec).Path)
		require.NoError(t, err)
		images[name] = data
	}
	// ntfsfix leaves the flag that has Windows check the volume.
	path := filepath.Join(t.TempDir(), "volume.img")
	require.NoError(t, os.WriteFile(path, images["volume"], 0o600))
	imagetest.Require(t, "ntfsfix")
	imagetest.Run(t, "ntfsfix", path)
	flagged, err := os.ReadFile(path)
	require.NoError(t, err)
	images["flagged"] = flagged
	// The name in the boot sector tells the kinds of volumes.
	for name, text := range map[string]string{"bitlocker": "-FVE-FS-", "refs": "ReFS\x00\x00\x00\x00"} {
		images[name] = bytes.Clone(images["volume"])
		copy(images[name][3:], text)
	}
	return images
}

// scriptWIM writes what begins as a WIM does: wim FILE.
func scriptWIM(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: wim FILE")
	}
	write(ts, args[0], append([]byte("MSWIM\x00\x00\x00"), make([]byte, 4096)...))
}

// dyingDisk is a disk whose machine loses its power after some writes.
type dyingDisk struct {
	diskimage.Disk
	left int
}

var errPower = errors.New("no power")

func (d *dyingDisk) WriteAt(p []byte, off int64) (int, error) {
	if d.left--; d.left < 0 {
		return 0, errPower
	}
	return d.Disk.WriteAt(p, off)
}

func (d *dyingDisk) ReadAt(p []byte, off int64) (int, error) {
	if d.left < 0 {
		return 0, errPower
	}
	return d.Disk.ReadAt(p, off)
}

// scriptInterrupt begins to write another SYSTEM into an image and is
// interrupted after its second write: interrupt IMAGE HIVE.
func scriptInterrupt(ts *testscript.TestScript, neg bool, args []string) {
	path, hive := twoArguments(ts, neg, args, "interrupt IMAGE HIVE")
	access, err := diskimage.OpenAccess(context.Background(), ts.MkAbs(path), diskimage.AccessOptions{Write: true, Wait: time.Second})
	ts.Check(err)
	defer access.Close()
	volumes, err := access.Volumes()
	ts.Check(err)
	ntfs, err := volumes[len(volumes)-1].OpenNTFS()
	ts.Check(err)
	candidate, err := locate.New(ntfs).Find(locate.Query{})
	ts.Check(err)
	old, err := hivefile.ReadFileIn(ntfs, candidate.Path)
	ts.Check(err)
	at, err := ntfs.Map(candidate.Path)
	ts.Check(err)
	replacement := &diskimage.Replacement{
		Disk: &dyingDisk{access.Disk(), 2}, Volume: ntfs.Volume().Offset, Name: filepath.ToSlash(candidate.Path), Extents: at.Extents,
		Size: at.Size, Valid: at.Initialized, SHA256: sha256.Sum256(old.Data), New: []byte(ts.ReadFile(hive)), Journal: access.Journal,
	}
	if _, err := replacement.Write(context.Background()); !errors.Is(err, hivefile.ErrHalfWritten) {
		ts.Fatalf("the write was not interrupted: %v", err)
	}
}

// scriptOverwrite changes the bytes of a file at an offset of SYSTEM in an
// image: overwrite IMAGE.
func scriptOverwrite(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: overwrite IMAGE")
	}
	data := []byte(ts.ReadFile(args[0]))
	// The sequence numbers of the hive, which every write changes.
	for at := 0; at+512 <= len(data); at += 512 {
		if string(data[at:at+4]) == "regf" {
			copy(data[at+4:], "someone!")
			write(ts, args[0], data)
			return
		}
	}
	ts.Fatalf("no hive in %s", args[0])
}
