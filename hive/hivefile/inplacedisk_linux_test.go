package hivefile

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"hivepatch/hive/hivetest/disk"
)

// diskWays are the ways of saving and restoring that are tried on a disk that
// fails: "named" is the best one where there are no files without a name.
var diskWays = []string{"best", "named", "pages", "restore"}

// newDisk mounts a disk with files.
func newDisk(t *testing.T, files map[string][]byte) *disk.Disk {
	t.Helper()
	if raceDetector() {
		t.Skip("what the test and the disk do comes in order through the kernel, which the race detector does not see")
	}
	d, err := disk.Mount(t, files)
	if err != nil {
		if os.Getenv(requireVariable) == "1" {
			t.Fatal(err)
		}
		t.Skipf("no FUSE here: %v", err)
	}
	return d
}

// mountDisk mounts a disk with what the placer begins with, and has the placer
// judge what is put into another folder.
func mountDisk(t *testing.T, way string) (*disk.Disk, placer) {
	t.Helper()
	p := newPlacer(t, way, filepath.Join(t.TempDir(), "files"))
	p.fill(t)
	d := newDisk(t, folderBytes(t, p.dir))
	d.NoUnnamed = way == "named"
	return d, p
}

// saveOn has the hive on the disk put in place, or restored.
func (p placer) saveOn(t *testing.T, d *disk.Disk) error {
	t.Helper()
	path := filepath.Join(d.Dir, "SYSTEM")
	if p.way == "restore" {
		_, err := Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
		return err
	}
	way := placings[p.way]
	_, err := saveBy(loadEdited(t, path, placedSize), InPlaceOptions{Time: placeTime}, way)
	return err
}

// wanted is what the hive is when all went well.
func (p placer) wanted() []byte {
	if p.way == "restore" {
		return p.old
	}
	return p.new
}

// put makes the folder that is judged.
func (p placer) put(t *testing.T, files map[string][]byte) {
	t.Helper()
	require.NoError(t, os.RemoveAll(p.dir))
	require.NoError(t, os.Mkdir(p.dir, 0o755))
	for name, data := range files {
		require.NoError(t, os.WriteFile(filepath.Join(p.dir, name), data, 0o640))
	}
}

// requireGoesOn requires that files are what a user can go on with: the old
// hive, the new one, or one that is restored.
func (p placer) requireGoesOn(t *testing.T, files map[string][]byte, message string) {
	t.Helper()
	p.put(t, files)
	state := p.state(t)
	require.Contains(t, []string{stateOld, stateLonger, stateNew, stateHalf}, state, message)
	backups, temporary := p.rest(t)
	require.LessOrEqual(t, len(temporary), 1, message)
	if state == stateHalf {
		require.NotEmpty(t, backups, message)
	}
	p.goOn(t, state, message)
}

// digestOf tells one content of a folder from another, whatever the temporary
// names.
func digestOf(files map[string][]byte) string {
	digest := ""
	for _, name := range slices.Sorted(maps.Keys(files)) {
		shown, _, _ := strings.Cut(name, ".hivepatch-")
		digest += fmt.Sprintf("%s %x\n", shown, sha256.Sum256(files[name]))
	}
	return digest
}

// TestPlacePowerCut cuts the power before every call that changes something, and
// after the last. Of what was not synced nothing may be on the disk, or all, or
// any sectors of it, and of the names any that were given first.
func TestPlacePowerCut(t *testing.T) {
	for _, way := range diskWays {
		t.Run(way, func(t *testing.T) {
			d, p := mountDisk(t, way)
			random := rand.New(rand.NewPCG(1, 2))
			type cut struct {
				call  int
				files map[string][]byte
			}
			cuts := map[string]cut{}
			collect := func(call int) {
				for _, files := range d.AfterPowerCut(8, random) {
					cuts[digestOf(files)] = cut{call, files}
				}
			}
			d.Before = collect
			require.NoError(t, p.saveOn(t, d))
			collect(d.Calls() + 1)
			require.Greater(t, d.Calls(), 5)
			require.Greater(t, len(cuts), 2)
			t.Logf("%d calls, %d different states", d.Calls(), len(cuts))
			for _, cut := range cuts {
				p.requireGoesOn(t, cut.files, fmt.Sprintf("power cut before call %d", cut.call))
				if t.Failed() {
					return
				}
			}
			// What was said to be done is on the disk, and so is the backup.
			for _, files := range d.AfterPowerCut(8, random) {
				require.True(t, bytes.Equal(p.wanted(), files["SYSTEM"]))
				require.True(t, bytes.Equal(p.old, files[placeName]))
				require.Len(t, files, 2)
			}
		})
	}
}

// TestPlaceDiskFails has the disk fail at every call, for once or for good, fill
// up, and become read-only in the middle of the work.
func TestPlaceDiskFails(t *testing.T) {
	for _, way := range diskWays {
		t.Run(way, func(t *testing.T) {
			d, p := mountDisk(t, way)
			require.NoError(t, p.saveOn(t, d))
			for name, fault := range map[string]disk.Fault{
				"fails once": {Err: syscall.EIO}, "fails": {Err: syscall.EIO, Forever: true},
				"is full": {Err: syscall.ENOSPC, Forever: true}, "is read-only": {Err: syscall.EROFS, Forever: true},
			} {
				for fault.At = 1; fault.At <= d.Calls(); fault.At++ {
					t.Run(fmt.Sprintf("%s at %d", name, fault.At), func(t *testing.T) { failAt(t, way, fault) })
				}
			}
		})
	}
}

func failAt(t *testing.T, way string, fault disk.Fault) {
	d, p := mountDisk(t, way)
	d.Fault = fault
	err := p.saveOn(t, d)
	files := d.Files()
	message := fmt.Sprintf("%v, %q", err, slices.Sorted(maps.Keys(files)))
	// A folder that cannot be synced is the one thing that may come too late.
	late := err != nil && strings.Contains(err.Error(), "has been replaced")
	for name := range files {
		if strings.Contains(name, ".hivepatch-") { // which is told, where it cannot be removed
			require.True(t, fault.Forever && fault.Err != syscall.ENOSPC, message)
			require.ErrorContains(t, err, name+" is left")
		}
	}
	switch {
	case err == nil, late:
		require.True(t, bytes.Equal(p.wanted(), files["SYSTEM"]), message)
	case errors.Is(err, ErrHalfWritten): // or could be, as nothing could be taken back
		require.NotNil(t, files[placeName], message)
	default:
		require.ErrorIs(t, err, fault.Err)
		longer := strings.Contains(err.Error(), "longer than it was")
		require.True(t, p.half || longer || bytes.Equal(p.old, files["SYSTEM"]), message)
	}
	p.requireGoesOn(t, files, message)
	for _, cut := range d.AfterPowerCut(2, rand.New(rand.NewPCG(3, 4))) {
		p.requireGoesOn(t, cut, message+", and then a power cut")
	}
}

// TestPowerCutBesideLogs: a dirty hive is never without the logs that make it
// whole, neither while it is replaced and they are emptied, nor while both are
// put back.
func TestPowerCutBesideLogs(t *testing.T) {
	files := dirtyFiles("SYSTEM")
	for _, way := range []string{"best", "pages"} {
		t.Run(way, func(t *testing.T) {
			d := newDisk(t, files)
			path := filepath.Join(d.Dir, "SYSTEM")
			file := loadEdited(t, path, 100)
			next := file.Hive.Bytes()
			random := rand.New(rand.NewPCG(5, 6))
			states, bad := 0, []string{}
			d.Before = func(call int) {
				for _, cut := range d.AfterPowerCut(8, random) {
					if states++; !hasItsLogs(files, cut, next) {
						bad = append(bad, fmt.Sprintf("before call %d: %q", call, slices.Sorted(maps.Keys(cut))))
					}
				}
			}
			placed, err := saveBy(file, InPlaceOptions{Time: placeTime, CleanLogs: true}, placings[way])
			require.NoError(t, err)
			require.NotEmpty(t, placed.CleanedLogs)
			require.Empty(t, d.Files()["SYSTEM.LOG1"])
			_, err = Restore(t.Context(), path, RestoreOptions{Time: restoreTime})
			require.NoError(t, err)
			for name, data := range files {
				require.True(t, bytes.Equal(data, d.Files()[name]), name)
			}
			require.Greater(t, states, 100)
			require.Empty(t, bad)
		})
	}
}

// hasItsLogs reports whether, of a dirty hive that is replaced by a clean one,
// all is there that makes it whole.
func hasItsLogs(files, cut map[string][]byte, next []byte) bool {
	hive, name := cut["SYSTEM"], "SYSTEM"
	switch {
	case bytes.Equal(hive, next):
		return true
	case RequireWhole(name, hive) != nil: // Restore takes the backup
		name = placeName
	case !bytes.HasPrefix(hive, files[name]): // which may be longer, for pages not yet meant
		return false
	}
	return bytes.HasPrefix(cut[name], files["SYSTEM"]) &&
		bytes.Equal(cut[name+".LOG1"], files["SYSTEM.LOG1"]) && bytes.Equal(cut[name+".LOG2"], files["SYSTEM.LOG2"])
}
