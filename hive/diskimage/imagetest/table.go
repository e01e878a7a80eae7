package imagetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Types of partitions: NTFS in an MBR, an extended partition, basic data in a GPT.
const (
	typeNTFS     = "7"
	typeExtended = "5"
	typeBasic    = "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7"
)

// writeTable writes the partition table of an image. sfdisk counts in sectors of
// 512 bytes in a file; fdisk can be told otherwise, and reads sfdisk's script.
func (i *Image) writeTable(t testing.TB, spec Spec) {
	t.Helper()
	script := i.script(spec)
	cmd := exec.Command(program("sfdisk"), "-q", i.Path)
	cmd.Stdin = strings.NewReader(script)
	if spec.SectorSize != 512 {
		path := filepath.Join(t.TempDir(), "table")
		require.NoError(t, os.WriteFile(path, []byte(script), 0o600))
		cmd = exec.Command(program("fdisk"), "-b", fmt.Sprint(spec.SectorSize), i.Path)
		cmd.Stdin = strings.NewReader("I\n" + path + "\nw\n")
	}
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s: %s", cmd, out)
}

// script is the table as sfdisk reads it.
func (i *Image) script(spec Spec) string {
	var b strings.Builder
	entry := func(off, size int64, kind string) {
		fmt.Fprintf(&b, "start=%d, size=%d, type=%s\n", off/int64(spec.SectorSize), size/int64(spec.SectorSize), kind)
	}
	label, kind := "dos", typeNTFS
	if spec.Table == GPT {
		label, kind = "gpt", typeBasic
	}
	fmt.Fprintf(&b, "label: %s\nunit: sectors\n", label)
	if spec.Table == Extended {
		last := len(i.Offsets) - 1
		first := i.Offsets[0] - alignment
		entry(first, i.Offsets[last]+i.Sizes[last]-first, typeExtended)
		b.WriteString("\n")
	}
	for n := range i.Offsets {
		entry(i.Offsets[n], i.Sizes[n], kind)
	}
	return b.String()
}
