//go:build unix && !linux

package diskimage

import "os"

// exclusiveDevice has no meaning here: a disk that is mounted cannot be opened
// for writing.
const exclusiveDevice = 0

func lockBytes(*os.File, access) string { return "" }
