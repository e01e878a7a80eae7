package diskimage

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzRollback rolls back from whatever somebody has put beside an image. What
// is refused is not touched; nothing is ever written outside of the disk, of
// which the disk of the tests makes a panic.
func FuzzRollback(f *testing.F) {
	m, _, _ := interrupted(f)
	good := m.journal["disk.img.hivepatch-journal"].now
	second := 2*sectorSize + undoHeaderSize + sectorSize + newSumSize
	f.Add(0, good[:1], true, false)
	f.Add(second, []byte{0, 2, 0, 0, 0, 0, 0, 0}, true, true)
	f.Add(second+8, []byte{0xFF, 0xFF, 0xFF, 0x7F}, true, false)
	f.Add(0x14, []byte{0xFF, 0xFF, 0xFF, 0xFF}, true, false)
	f.Add(0x70, []byte{0, 0, 0, 0}, true, true)
	f.Add(second+undoHeaderSize, []byte("old"), true, true)
	f.Add(len(good), []byte("more"), false, false)
	f.Fuzz(func(t *testing.T, at int, change []byte, sealed, force bool) {
		if at < 0 || at > len(good) {
			return
		}
		disk := newMachine(m.disk.now)
		data := append(bytes.Clone(good[:at]), change...)
		if at+len(change) < len(good) {
			data = append(data, good[at+len(change):]...)
		}
		if sealed && len(data) > sectorSize {
			sealJournal(data)
		}
		disk.journal["disk.img.hivepatch-journal"] = &store{now: bytes.Clone(data)}
		_, err := disk.rollback(RollbackOptions{Force: force})
		if err != nil {
			require.True(t, bytes.Equal(m.disk.now, disk.disk.now))
			require.Equal(t, data, disk.journal["disk.img.hivepatch-journal"].now)
			return
		}
		require.Empty(t, disk.journal)
	})
}
